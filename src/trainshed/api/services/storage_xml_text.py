"""Documents of Cloud Storage's XML API: those it answers, and those it is sent. Pure."""

import base64
import re
from collections.abc import Iterable, Sequence
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

from trainshed.blobs import Bucket, Object
from trainshed.buckets.listing import Page
from trainshed.buckets.parts import MOST_PARTS, Part, PartedUpload
from trainshed.clock import rfc3339
from trainshed.errors import InvalidArgument, TrainshedError

_LISTING = "http://doc.s3.amazonaws.com/2006-03-01"
_MULTIPART = "http://s3.amazonaws.com/doc/2006-03-01/"
_CODES = {
    "BUCKET_NOT_FOUND": "NoSuchBucket",
    "OBJECT_NOT_FOUND": "NoSuchKey",
    "CONTENT_GONE": "NoSuchKey",
    "BUCKET_NOT_EMPTY": "BucketNotEmpty",
    "BUCKET_EXISTS": "BucketAlreadyExists",
    "BUCKET_NAME": "InvalidBucketName",
    "CHECKSUM_MISMATCH": "BadDigest",
}
_BY_STATUS = {
    400: "InvalidArgument",
    401: "AuthenticationRequired",
    403: "AccessDenied",
    404: "NoSuchKey",
    409: "Conflict",
    412: "PreconditionFailed",
    429: "SlowDown",
    501: "NotImplemented",
}
_CAMEL = re.compile(r"(?:[A-Z][a-z0-9]+)+")  # a reason that is one of the XML API's codes already
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_DECLARATION = "<?xml version='1.0' encoding='UTF-8'?>"

Node = tuple[str, "str | int | Sequence[Node]"]


def write(name: str, content: Sequence[Node], namespace: str = "") -> bytes:
    """Write a document."""
    head = f"<{name} xmlns='{namespace}'>" if namespace else f"<{name}>"
    return f"{_DECLARATION}{head}{_inside(content)}</{name}>".encode()


def error(refusal: TrainshedError) -> bytes:
    """Write an error."""
    known = _CODES.get(refusal.reason) or (refusal.reason if _CAMEL.fullmatch(refusal.reason) else "")
    code = known or _BY_STATUS.get(refusal.http_status, "ServiceUnavailable")
    return write("Error", [("Code", code), ("Message", refusal.message)])


def buckets(found: Iterable[Bucket]) -> bytes:
    """Write a listing of buckets."""
    entries = [("Bucket", [("Name", b.name), ("CreationDate", rfc3339(b.create_time))]) for b in found]
    return write("ListAllMyBucketsResult", [("Owner", [("ID", "local")]), ("Buckets", entries)], _LISTING)


def objects(bucket: str, page: Page, asked: dict[str, str], *, limit: int, token: str) -> bytes:
    """Write one page of a bucket; `asked` are the parameters that are repeated in the answer."""
    is_second = asked.get("list-type") == "2"
    repeated = ("prefix", "delimiter", "start-after" if is_second else "marker")
    head: list[Node] = [("Name", bucket)]
    head += [("".join(w.title() for w in name.split("-")), asked[name]) for name in repeated if name in asked]
    head += [("MaxKeys", limit), ("IsTruncated", "true" if page.after else "false")]
    if is_second:
        head += [("KeyCount", len(page.items) + len(page.prefixes))]
    if token:
        head += [("NextContinuationToken" if is_second else "NextMarker", token)]
    with_versions = "versions" in asked
    entries: list[Node] = [_entry(obj, with_versions=with_versions) for obj in page.items]
    folded: list[Node] = [("CommonPrefixes", [("Prefix", prefix)]) for prefix in page.prefixes]
    return write("ListBucketResult", [*head, *entries, *folded], _LISTING)


def etag(obj: Object) -> str:
    """Answer the tag of an object in the XML API: its MD5 where it has one."""
    return f'"{base64.b64decode(obj.md5).hex()}"' if obj.md5 else f'"-{obj.generation}"'


def initiated(upload: PartedUpload) -> bytes:
    """Write that an upload in parts was opened."""
    names: list[Node] = [("Bucket", upload.wanted.bucket), ("Key", upload.wanted.name), ("UploadId", upload.upload_id)]
    return write("InitiateMultipartUploadResult", names, _MULTIPART)


def completed(obj: Object, tag: str, location: str) -> bytes:
    """Write that an upload in parts became an object."""
    content: list[Node] = [("Location", location), ("Bucket", obj.bucket), ("Key", obj.name), ("ETag", f'"{tag}"')]
    return write("CompleteMultipartUploadResult", content, _MULTIPART)


def parts(upload: PartedUpload) -> bytes:
    """Write what arrived of an upload in parts."""
    head: list[Node] = [
        ("Bucket", upload.wanted.bucket),
        ("Key", upload.wanted.name),
        ("UploadId", upload.upload_id),
        ("MaxParts", MOST_PARTS),
        ("IsTruncated", "false"),
    ]
    return write("ListPartsResult", [*head, *(_part(upload.parts[n]) for n in sorted(upload.parts))], _MULTIPART)


def uploads(bucket: str, found: Iterable[PartedUpload]) -> bytes:
    """Write the uploads in parts that are open."""
    entries: list[Node] = [
        ("Upload", [("Key", u.wanted.name), ("UploadId", u.upload_id), ("Initiated", rfc3339(u.start_time))])
        for u in found
    ]
    return write("ListMultipartUploadsResult", [("Bucket", bucket), ("IsTruncated", "false"), *entries], _MULTIPART)


def copied(obj: Object) -> bytes:
    """Write that an object was copied."""
    return write("CopyObjectResult", [("LastModified", rfc3339(obj.update_time)), ("ETag", etag(obj))])


def read_parts(body: bytes) -> list[tuple[int, str]]:
    """Read the numbers and tags of a completion. Raises InvalidArgument."""
    found = []
    for part in _read(body):
        if part.tag.rpartition("}")[2] != "Part":
            continue
        fields = {child.tag.rpartition("}")[2]: (child.text or "").strip() for child in part}
        if not re.fullmatch(r"\d{1,5}", fields.get("PartNumber", ""), re.ASCII):
            raise InvalidArgument.field("PartNumber", "is missing or no number.", reason="MalformedXML")
        found.append((int(fields["PartNumber"]), fields.get("ETag", "")))
    return found


def read_settings(body: bytes) -> dict[str, str]:
    """Read the location and storage class that a new bucket is to have. Raises InvalidArgument."""
    names = {"LocationConstraint": "location", "StorageClass": "storageClass"}
    found = {child.tag.rpartition("}")[2]: (child.text or "").strip() for child in _read(body)} if body else {}
    return {names[name]: text for name, text in found.items() if name in names and text}


def _read(body: bytes) -> ET.Element:
    try:
        if b"<!" in body:  # no document of this API declares types or entities
            raise ET.ParseError("a declaration")  # noqa: TRY301  (one refusal for all)
        return ET.fromstring(body)  # noqa: S314  (without declarations there is nothing to expand)
    except (ET.ParseError, ValueError) as refusal:
        raise InvalidArgument.field("body", "is not the XML that this call takes.", reason="MalformedXML") from refusal


def _entry(obj: Object, *, with_versions: bool) -> Node:
    is_gone: list[Node] = [("DeletedTime", rfc3339(obj.delete_time))] if obj.delete_time else []
    latest: list[Node] = [("IsLatest", "false" if obj.delete_time else "true"), *is_gone] if with_versions else []
    content: list[Node] = [
        ("Key", obj.name),
        ("Generation", obj.generation),
        ("MetaGeneration", obj.metageneration),
        *latest,
        ("LastModified", rfc3339(obj.update_time)),
        ("ETag", etag(obj)),
        ("Size", obj.size),
        ("StorageClass", str(obj.properties.get("storageClass", "STANDARD"))),
    ]
    return ("Version" if with_versions else "Contents", content)


def _part(part: Part) -> Node:
    modified = ("LastModified", rfc3339(part.update_time))
    return ("Part", [("PartNumber", part.number), modified, ("ETag", f'"{part.etag}"'), ("Size", part.size)])


def _inside(content: Sequence[Node]) -> str:
    return "".join(
        f"<{name}>{_inside(value) if isinstance(value, list) else _text(value)}</{name}>" for name, value in content
    )


def _text(value: object) -> str:
    return escape(_CONTROL.sub("\ufffd", str(value)))
