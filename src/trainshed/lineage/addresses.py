"""Addresses of stored data: what lies in what. Pure."""

from collections.abc import Iterable

_MARK = "://"


def plain(uri: str) -> str:
    """Answer an address without the slash at its end, so that a folder has one spelling."""
    return uri if uri.endswith(_MARK) else uri.rstrip("/")


def trail(uri: str) -> list[str]:
    """Answer an address and every folder above it, up to the bucket."""
    scheme, mark, rest = plain(uri).partition(_MARK)
    if not mark:
        return [uri]
    bucket, *parts = rest.split("/")
    return ["/".join((f"{scheme}{mark}{bucket}", *parts[:count])) for count in range(len(parts), -1, -1)]


def spellings(uris: Iterable[str]) -> list[str]:
    """Answer each address as a file and as a folder."""
    return [spelling for uri in uris for spelling in (uri, f"{uri}/")]


def bounds(uri: str) -> tuple[str, str]:
    """Answer the range in which everything below a folder sorts: from the first up to, not including, the second."""
    return f"{plain(uri)}/", f"{plain(uri)}0"  # "0" comes after "/"


def is_related(one: str, another: str) -> bool:
    """Whether two addresses are the same, or one lies in the other."""
    return plain(one) in trail(another) or plain(another) in trail(one)


def split_generation(uri: str) -> tuple[str, int | None]:
    """Split `gs://bucket/name#generation`, as gsutil writes it; None: any generation."""
    address, mark, generation = uri.rpartition("#")
    if not mark or not generation.isdecimal() or not uri.startswith("gs://"):
        return uri, None
    return address, int(generation)


def object_name(uri: str) -> str:
    """Answer the name in the bucket; empty for the bucket itself."""
    return plain(uri).partition(_MARK)[2].partition("/")[2]
