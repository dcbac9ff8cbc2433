"""The verbs on models."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice

from sqlalchemy import Connection

from trainshed import ledger, lineage
from trainshed.blobs import Blobs, Object, Staged, Upkeep, copy_into, parse_uri
from trainshed.clock import Clock
from trainshed.errors import Aborted, FailedPrecondition, InvalidArgument, NotFound, TrainshedError
from trainshed.registry import directory as names
from trainshed.registry import store
from trainshed.registry.facts import RESTORED
from trainshed.registry.model import Model, Version
from trainshed.sql import Database, notify

CHANNEL = "models"  # notified when another version became live by a rollback
EXECUTION = "trainshed.Rollback"  # what a rollback is in lineage
_RESTORED = "restored_model"  # what it was given
_LARGEST_POINTER = 1 << 20
_LONGEST_REASON = 1000


@dataclass(frozen=True, kw_only=True)
class _Shelf:
    """What is in a serving directory now."""

    bucket: str
    prefix: str
    folders: frozenset[str]
    pointer: str | None  # text of the document that names the version to serve
    live: str


class Service:
    """Reads models, and makes earlier versions live again."""

    def __init__(self, db: Database, clock: Clock, blobs: Blobs) -> None:
        self._db = db
        self._clock = clock
        self._blobs = blobs
        self._upkeep = Upkeep(blobs, db, clock)

    def models(self, *, after: str = "", limit: int = 50, versions: int = 1) -> tuple[list[Model], str]:
        """Read models with their newest versions, in the order of their addresses, and where the next page begins."""
        found = self._db.read(lambda conn: list(islice(store.directories(conn, after), limit + 1)))
        for each in found[:limit]:
            self._look(each)
        more = found[limit - 1] if len(found) > limit else ""
        return self._db.read(lambda conn: self._models(conn, found[:limit], before=None, limit=versions)), more

    def get(self, directory: str, *, before: int | None = None, limit: int = 50) -> Model:
        """Read a model with its versions, newest first. Raises NotFound."""
        self._look(directory)
        return self._db.read(lambda conn: self._known(conn, directory, before=before, limit=limit))

    def version(self, directory: str, number: str) -> Version:
        """Read one version. Raises NotFound."""
        self._look(directory)
        return self._db.read(lambda conn: self._version(conn, directory, number))

    def rollback(self, directory: str, number: str, *, author: str, reason: str = "") -> Version:
        """Make an earlier version live again, as a new one with the same files; answer that.

        Whoever serves the directory sees the new version whole or not at all. Raises NotFound, or FailedPrecondition
        for a version that is live already or whose files are gone.
        """
        if len(reason) > _LONGEST_REASON:
            raise InvalidArgument.field("reason", f"has {len(reason)} characters; {_LONGEST_REASON} is the most")
        wanted = self.version(directory, number)
        self._require_restorable(wanted)
        with ExitStack() as stack:
            files = self._stage(wanted, stack)
            made = self._db.write(partial(self._restore, wanted=wanted, files=files, author=author, reason=reason))
            stack.pop_all()
        return self.version(directory, made)

    def _look(self, directory: str) -> None:
        """Make the pointer's row say what its file is: somebody may have changed it by hand."""
        with suppress(TrainshedError):  # no bucket of ours
            bucket, name = parse_uri(directory)
            self._upkeep.current(bucket, f"{name}/{names.POINTER}" if name else names.POINTER)

    def _models(self, conn: Connection, directories: Sequence[str], *, before: int | None, limit: int) -> list[Model]:
        found = store.versions(conn, directories, before=before, limit=limit)
        return [self._model(conn, each, *read) for each, read in zip(directories, found, strict=True)]

    def _model(self, conn: Connection, directory: str, versions: Sequence[Version], more: int | None) -> Model:
        shelf = self._shelf(conn, directory)
        live = shelf.live if shelf else ""
        marked = [_marked(version, shelf) for version in versions]
        return Model(directory=directory, live=live, versions=marked, next_before=more, is_known=shelf is not None)

    def _known(self, conn: Connection, directory: str, *, before: int | None, limit: int) -> Model:
        (found,) = self._models(conn, [directory], before=before, limit=limit)
        if not found.versions and before is None:
            raise NotFound(
                f"No model was pushed to {directory!r}; `trainshed models list` shows where there are some.",
                reason="MODEL_NOT_FOUND",
            )
        return found

    def _version(self, conn: Connection, directory: str, number: str) -> Version:
        found = store.find_version(conn, directory, number)
        if found is None:
            raise NotFound(
                f"{directory} has no version {number!r} that lineage knows of; "
                f"`trainshed models describe {directory}` lists them.",
                reason="VERSION_NOT_FOUND",
            )
        return _marked(found, self._shelf(conn, directory))

    def _shelf(self, conn: Connection, directory: str) -> _Shelf | None:
        """Look into a serving directory; None where it is in no bucket of this server."""
        try:
            bucket, name = parse_uri(directory)
            prefix = f"{name.rstrip('/')}/" if name else ""
            folders = frozenset(self._blobs.folders(conn, bucket, prefix))
            pointer = self._pointer(conn, bucket, prefix + names.POINTER)
        except TrainshedError:
            return None
        return _Shelf(bucket=bucket, prefix=prefix, folders=folders, pointer=pointer, live=names.live(folders, pointer))

    def _pointer(self, conn: Connection, bucket: str, name: str) -> str | None:
        try:
            found = self._blobs.get(conn, bucket, name)
        except NotFound:
            return None
        if found.size > _LARGEST_POINTER:
            return None
        with self._blobs.open(found) as file:
            return file.read().decode(errors="replace")

    def _require_restorable(self, wanted: Version) -> None:
        if wanted.is_live:
            raise FailedPrecondition(f"Version {wanted.version} is live already.", reason="VERSION_LIVE")
        if not wanted.is_there:
            raise FailedPrecondition(
                f"The files of version {wanted.version} are not at {wanted.destination} on this server; "
                f"what it was made from is still in lineage: `trainshed lineage show {wanted.artifact_id}`.",
                reason="VERSION_GONE",
            )

    def _stage(self, wanted: Version, stack: ExitStack) -> Mapping[str, Staged]:
        """Copy the files of a version, checked against what was pushed; what is not used in the end is removed."""
        bucket, name = parse_uri(wanted.destination)
        self._upkeep.refresh(bucket, f"{name}/")
        found = self._db.read(lambda conn: list(self._blobs.list(conn, bucket, f"{name}/")))
        staged: dict[str, Staged] = {}
        for obj in found:
            file = self._blobs.stage(bucket)
            stack.callback(self._blobs.give_up, file)
            with self._blobs.open(obj) as source:
                copy_into(file, source)
            file.close()
            _require_same(obj, file)
            staged[obj.name.removeprefix(f"{name}/")] = file
        return staged

    def _restore(
        self, conn: Connection, *, wanted: Version, files: Mapping[str, Staged], author: str, reason: str
    ) -> str:
        shelf = self._shelf(conn, wanted.directory)
        if shelf is None:
            raise Aborted(f"{wanted.directory} was removed meanwhile.")
        known = {v.version for v in store.versions(conn, [wanted.directory], limit=1)[0][0]}
        number = names.following({*shelf.folders, *known, wanted.version})
        receipt_id = self._account(conn, wanted, number, author=author, reason=reason)
        for name in names.in_order(files):
            place = f"{shelf.prefix}{number}/{name}"
            self._blobs.commit(
                conn, files[name], shelf.bucket, place, if_generation_match=0, parent_receipt_id=receipt_id
            )
        if shelf.pointer is not None:
            text = names.new_pointer(shelf.pointer, wanted.directory, number, wanted.judged)
            pointer = self._blobs.stage_bytes(text.encode())
            self._blobs.commit(conn, pointer, shelf.bucket, shelf.prefix + names.POINTER, parent_receipt_id=receipt_id)
        self._record(conn, wanted, number, said={"author": author, "reason": reason})
        notify(conn, CHANNEL)
        return number

    def _account(self, conn: Connection, wanted: Version, number: str, *, author: str, reason: str) -> str:
        """Write down who wants it and why; what it sets off hangs below."""
        model, now = f"models/{names.key_of(wanted.directory)}", self._clock.now()
        data = {"author": author, "reason": reason, "restores": wanted.version}
        receipt, _ = ledger.open_receipt(
            conn, trigger=model, kind="user", stimulus=f"rollback/{number}", now=now, data=data
        )
        because = f": {reason}" if reason else ""
        ledger.settle(
            conn,
            receipt.receipt_id,
            "start",
            now=now,
            reason=f"made version {wanted.version} live again as {number} because {author} asked for it{because}",
            link=f"{model}/versions/{number}",
        )
        return receipt.receipt_id

    def _record(self, conn: Connection, wanted: Version, number: str, *, said: Mapping[str, str]) -> None:
        """Tell lineage: a doing that was given what the earlier push was given, and made another pushed model."""
        now = self._clock.now()
        before = lineage.get_artifact(conn, wanted.artifact_id)
        destination = f"{wanted.directory}/{number}"
        pushed = {"pushed_version": number, "pushed_destination": destination, RESTORED: wanted.version}
        made = lineage.add_artifact(
            conn, type=before.type, uri=destination, metadata={**before.metadata, **pushed}, digest="", now=now,
            name=before.name,
        )  # fmt: skip
        given = [(name, key) for name, key in store.inputs_of(conn, wanted.artifact_id) if name != _RESTORED]
        rollback = lineage.NewExecution(
            type="rollback",
            name=f"rollback/{number}",
            display_name=f"rollback to {wanted.version}",
            state="COMPLETE",
            properties={"inputs": {**said, "version": wanted.version}, "outputs": {}},
            context_id=None,
            inputs=[*given, (_RESTORED, wanted.artifact_id)],
            outputs=[("pushed_model", made)],
            schema_title=EXECUTION,
        )
        lineage.record_execution(conn, rollback, now=now)


def _marked(version: Version, shelf: _Shelf | None) -> Version:
    if shelf is None:
        return version
    return replace(version, is_live=version.version == shelf.live, is_there=version.version in shelf.folders)


def _require_same(obj: Object, copy: Staged) -> None:
    if copy.checksums.crc32c != obj.crc32c:
        raise FailedPrecondition(
            f"{obj.uri} is not what was pushed: its checksum differs. The version was not restored.",
            reason="VERSION_DAMAGED",
        )
