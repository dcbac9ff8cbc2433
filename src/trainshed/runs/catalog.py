"""Specs that were read before: reading, checking and planning happens once per document."""

import hashlib
import json
import threading
import zlib
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from trainshed import ir
from trainshed.errors import InvalidArgument
from trainshed.runs import queries

_MOST = 256  # keys; a template may have two
_MOST_BYTES = 8_000_000  # of the documents whose plans are kept together: a plan takes a little more than its document


@dataclass(frozen=True, kw_only=True)
class Template:
    """A checked spec, ready for any number of runs."""

    digest: str
    packed: bytes  # the document: seldom read, and a hundredth of what it takes as objects
    size: int  # of the document
    plan: ir.Plan
    runtime: Mapping[str, Any]  # what a PipelineJob wrapper said about the run
    display_name: str
    labels: Mapping[str, str]

    @property
    def document(self) -> str:
        """The document as it is stored: `{"spec": …, "platform": …}` as JSON."""
        return zlib.decompress(self.packed).decode("utf-8", "surrogatepass")

    @property
    def spec(self) -> dict[str, Any]:
        """The pipeline spec as it was given."""
        found: dict[str, Any] = json.loads(self.document)["spec"]
        return found

    @property
    def platform(self) -> dict[str, Any]:
        """The platform spec as it was given."""
        found: dict[str, Any] = json.loads(self.document)["platform"]
        return found

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters that the wrapper brings along, in both spellings."""
        legacy = self.runtime.get("parameters") or {}
        values = {k: next(iter(v.values()), None) for k, v in legacy.items() if isinstance(v, Mapping)}
        return {**values, **(self.runtime.get("parameterValues") or self.runtime.get("parameter_values") or {})}

    @property
    def input_artifacts(self) -> dict[str, str]:
        """The artifacts that the wrapper gives the run, by id."""
        return dict(self.runtime.get("inputArtifacts") or {})


class Catalog:
    """The most recent templates. Safe to use from several threads."""

    def __init__(self, *, limit_bytes: int = ir.DEFAULT_LIMIT_BYTES) -> None:
        self._limit = limit_bytes
        self._known: OrderedDict[str, Template] = OrderedDict()
        self._lock = threading.Lock()

    def read(self, text: bytes) -> Template:
        """Read a compiled pipeline from text. Raises InvalidArgument with every finding."""
        key = hashlib.sha256(text).hexdigest()
        return self._find(key) or self._keep(key, self._make(ir.load(text, limit_bytes=self._limit)))

    def take(self, spec: Mapping[str, Any], platform: Mapping[str, Any] | None = None) -> Template:
        """Read a compiled pipeline from plain data. Raises InvalidArgument with every finding."""
        text = json.dumps([spec, platform or {}], sort_keys=True, default=str)
        if len(text) > self._limit:
            raise InvalidArgument.field("pipelineSpec", f"{len(text)} bytes; the limit is {self._limit}")
        key = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
        return self._find(key) or self._keep(key, self._make(ir.load_dict(spec, platform=platform or None)))

    def get(self, digest: str, read: Callable[[], Mapping[str, Any]]) -> Template:
        """Answer the template of a document that was checked before; `read` fetches `{"spec": …, "platform": …}`."""
        found = self._find(digest)
        if found is None:
            document = read()
            found = self._keep(
                digest, self._make(ir.load_dict(document["spec"], platform=document["platform"] or None))
            )
        return found

    def _make(self, document: ir.Document) -> Template:
        text = written(document.given, document.platform).encode("utf-8", "surrogatepass")
        packed, size = zlib.compress(text, 1), len(text)
        document, text = replace(document, given={}), b""  # it takes as much room as what was read from it
        findings = [f for f in ir.check(document) if f.severity == "error"]
        if findings:
            reason = "FEATURE_UNSUPPORTED" if all(f.anchor == "refused" for f in findings) else "SPEC_INVALID"
            raise InvalidArgument.findings(findings, reason=reason)
        digest = ir.digest([document.spec, document.executors, document.platform])
        plan = ir.plan(document)
        if unreadable := list(queries.problems(plan)):
            raise InvalidArgument.findings(unreadable, reason="SPEC_INVALID")
        return Template(
            digest=digest,
            packed=packed,
            size=size,
            plan=plan,
            runtime=document.runtime,
            display_name=document.display_name,
            labels=document.labels,
        )

    def _find(self, key: str) -> Template | None:
        with self._lock:
            found = self._known.get(key)
            if found is not None:
                self._known.move_to_end(key)
            return found

    def _keep(self, key: str, template: Template) -> Template:
        with self._lock:
            self._known[key] = self._known[template.digest] = template
            while len(self._known) > _MOST or self._size() > _MOST_BYTES:
                oldest = next(iter(self._known))
                if self._known[oldest] is template:  # the newest stays, whatever its size
                    break
                del self._known[oldest]
        return template

    def _size(self) -> int:
        sizes = {id(template): template.size for template in self._known.values()}  # one has several keys
        return sum(sizes.values())


def written(spec: Mapping[str, Any], platform: Mapping[str, Any]) -> str:
    """Write a compiled pipeline as it is stored."""
    return json.dumps({"spec": spec, "platform": platform}, separators=(",", ":"), ensure_ascii=False, default=str)
