"""Archives of sources: nothing of them lands outside of the workspace, and a broken one is said to be broken."""

import io
import tarfile
import zipfile

import pytest

from trainshed.builds.sources import extract
from trainshed.errors import FailedPrecondition


def a_tar(path, *entries):
    """Write entries (name, content) or (name, target, kind), in this order."""
    with tarfile.open(path, "w:gz") as archive:
        for name, said, *kind in entries:
            info = tarfile.TarInfo(name)
            if kind:
                info.type, info.linkname = kind[0], said
                archive.addfile(info)
            else:
                info.size = len(said)
                archive.addfile(info, io.BytesIO(said))
    return path


SYMBOLIC, HARD = tarfile.SYMTYPE, tarfile.LNKTYPE


@pytest.mark.parametrize(
    "entries",
    [
        [("a/b", "..", SYMBOLIC), ("c", "a/b/..", SYMBOLIC), ("c/evil", b"x")],
        [("c", "a/b/..", SYMBOLIC), ("a/b", "..", SYMBOLIC), ("c/evil", b"x")],
        [("a/b", "..", SYMBOLIC), ("a/b/../../evil", b"x")],
        [("a/b/x", b"x"), ("a/l", "b", SYMBOLIC), ("h", "a/l/../../../evil", HARD)],
        [("a/b/l", "../..", SYMBOLIC), ("h", "a/b/l", HARD), ("h/evil", b"x")],
        [("here", ".", SYMBOLIC), ("a/b/l", "../..", SYMBOLIC), ("h", "here/a/b/l", HARD), ("h/evil", b"x")],
        [("../evil", b"x")],
        [("/evil", b"x")],
        [("c", "../evil", SYMBOLIC)],
    ],
)
def test_nothing_of_an_archive_lands_outside(tmp_path, entries):
    workspace = tmp_path / "home" / "workspace"
    workspace.mkdir(parents=True)

    with pytest.raises(FailedPrecondition, match="leaves the workspace"):
        extract(a_tar(tmp_path / "source", *entries), workspace, where="gs://b/source")

    assert sorted(path.name for path in tmp_path.rglob("*")) == ["home", "source", "workspace"]


def test_links_within_an_archive_are_kept(tmp_path):
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    entries = [
        ("lib/python/x.py", b"1"), ("lib64", "lib", SYMBOLIC), ("bin/x", "../lib64/python/x.py", SYMBOLIC),
        ("same", "lib/python/x.py", HARD), ("here", ".", SYMBOLIC),
    ]  # fmt: skip

    extract(a_tar(tmp_path / "source", *entries), workspace, where="gs://b/source")

    assert (workspace / "bin" / "x").read_bytes() == (workspace / "same").read_bytes() == b"1"


def broken(kind):
    """Answer the bytes of an archive that no tool can unpack."""
    buffer = io.BytesIO()
    if kind == "cut gzip":
        with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
            info = tarfile.TarInfo("main.py")
            info.size = 100_000
            archive.addfile(info, io.BytesIO(bytes(range(250)) * 400))
        found = bytearray(buffer.getvalue())
        found[40:60] = b"\xff" * 20
        return bytes(found)
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("main.py", bytes(range(250)) * 40)
        if kind == "file and folder":
            archive.writestr("main.py/more", "x")
        if kind == "long name":
            archive.writestr("n" * 300, "x")
    found = bytearray(buffer.getvalue())
    places = [found.find(b"PK\x03\x04"), found.find(b"PK\x01\x02")]
    for place, is_central in zip(places, (False, True), strict=True):
        at = place + (8 if is_central else 6)
        if kind == "locked":
            found[at] |= 1
        if kind == "unknown method":
            found[at + 2] = 99
        if kind == "no text":
            found[at + 1] |= 8  # the name is UTF-8
            name = place + (46 if is_central else 30)
            found[name] = 0xFF
    if kind == "damaged":
        found[45:60] = b"\xff" * 15
    return bytes(found)


BROKEN = ["cut gzip", "locked", "unknown method", "no text", "damaged", "file and folder", "long name"]


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_archive_is_said_to_be_broken(tmp_path, kind):
    (tmp_path / "source").write_bytes(broken(kind))

    with pytest.raises(FailedPrecondition, match="gs://b/source is not a"):
        extract(tmp_path / "source", tmp_path / "workspace", where="gs://b/source")
