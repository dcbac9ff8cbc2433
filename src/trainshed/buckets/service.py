"""The verbs of Cloud Storage, one transaction each."""

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from sqlalchemy import Connection

from trainshed.blobs import Blobs, Bucket, Object, check_object
from trainshed.blobs import store as store_blobs
from trainshed.buckets import browsing, listing, resource, store
from trainshed.buckets.copies import Copies
from trainshed.buckets.model import Notification, Wanted
from trainshed.buckets.objects import Objects, require_there
from trainshed.buckets.parts import PartedUploads
from trainshed.buckets.properties import POLICY, merged, new_policy
from trainshed.buckets.uploads import Session, Uploads
from trainshed.clock import Clock
from trainshed.errors import InvalidArgument, NotFound
from trainshed.sql import Database, append


class Service(Objects):
    """Buckets, objects and notifications."""

    def __init__(
        self, db: Database, clock: Clock, blobs: Blobs, has_topic: Callable[[str], bool] | None = None
    ) -> None:
        super().__init__(db, clock, blobs)
        self.uploads = Uploads(clock)
        self.parted = PartedUploads(clock)
        self.copies = Copies(self)
        self._has_topic = has_topic or (lambda _topic: True)

    # Buckets

    def create_bucket(self, name: str, properties: Mapping[str, Any]) -> Bucket:
        """Make a bucket. Raises AlreadyExists, InvalidArgument."""
        return self.db.write(lambda conn: self.blobs.create_bucket(conn, name, properties))

    def list_buckets(self, *, prefix: str = "", after: str = "", limit: int = 1000) -> list[Bucket]:
        """Read buckets by name."""
        return self.db.read(lambda conn: store_blobs.list_buckets(conn, prefix=prefix, after=after, limit=limit))

    def update_bucket(
        self, name: str, changes: Mapping[str, Any], *, merge: bool = True, **conditions: int | None
    ) -> Bucket:
        """Merge changes into a bucket, or put them in the place of all there was. Raises NotFound, PreconditionFailed."""

        def verb(conn: Connection) -> Bucket:
            found = self._bucket(conn, name, conditions).properties
            kept = found if merge else {k: v for k, v in found.items() if k in {"location", POLICY}}
            return self.blobs.update_bucket(conn, name, merged(kept, changes))

        return self.db.write(verb)

    def set_policy(self, name: str, document: Mapping[str, Any]) -> Bucket:
        """Keep who may do what; nothing is enforced. Raises NotFound, InvalidArgument, PreconditionFailed."""

        def verb(conn: Connection) -> Bucket:
            found = self.blobs.get_bucket(conn, name)
            return self.blobs.update_bucket(conn, name, {**found.properties, POLICY: new_policy(found, document)})

        return self.db.write(verb)

    def delete_bucket(self, name: str, **conditions: int | None) -> None:
        """Remove an empty bucket. Raises NotFound, BucketNotEmpty, PreconditionFailed."""

        def verb(conn: Connection) -> None:
            self._bucket(conn, name, conditions)
            self.blobs.delete_bucket(conn, name)

        self.db.write(verb)

    # Objects

    def list(
        self,
        bucket: str,
        *,
        prefix: str = "",
        delimiter: str = "",
        limit: int = 1000,
        after: tuple[str, int] | None = None,
        with_trailing_delimiter: bool = False,
        glob: str = "",
        **selection: Any,
    ) -> listing.Page:
        """Read one page of a bucket as its files are now. Raises NotFound."""
        fits = listing.glob(glob).fullmatch if glob else None
        if after is None:  # once for a whole listing
            self.upkeep.refresh(bucket, prefix)

        def query(conn: Connection) -> listing.Page:
            found = self.blobs.list(conn, bucket, prefix, after=after, **selection)
            objects = (obj for obj in found if fits(obj.name)) if fits else found
            return listing.page(
                objects,
                prefix=prefix,
                delimiter=delimiter,
                limit=limit,
                with_trailing_delimiter=with_trailing_delimiter,
            )

        return self.db.read(query)

    def level(self, bucket: str, prefix: str, *, start: str = "", limit: int) -> tuple[listing.Page, str]:
        """Read one level of folders as the rows say it, without looking at what is below. Raises NotFound."""
        read = partial(browsing.level, blobs=self.blobs, bucket=bucket, prefix=prefix, start=start, limit=limit)
        return self.db.read(read)

    def counts(self, buckets: Sequence[str], *, most: int) -> Sequence[int]:
        """Count the live objects of each bucket, none further than `most`."""
        return self.db.read(lambda conn: browsing.counts(conn, buckets, most=most))

    def generations(self, bucket: str, name: str, *, limit: int) -> Sequence[Object]:
        """Read the generations of an object that are kept, newest first. Raises NotFound (the bucket)."""
        read = partial(browsing.generations, blobs=self.blobs, bucket=bucket, name=name, limit=limit)
        return self.db.read(read)

    def delete(self, bucket: str, name: str, generation: int | None = None, **conditions: int | None) -> None:
        """Remove an object or one generation. Raises NotFound, PreconditionFailed, PermissionDenied."""
        self.get(bucket, name, generation)
        self.db.write(lambda conn: self.blobs.delete(conn, bucket, name, generation=generation, **conditions))

    def update(
        self,
        bucket: str,
        name: str,
        document: Mapping[str, Any],
        *,
        merge: bool,
        generation: int | None = None,
        **conditions: int | None,
    ) -> Object:
        """Change an object's metadata. Raises NotFound, PreconditionFailed, InvalidArgument."""

        def verb(conn: Connection) -> Object:
            self.blobs.see(conn, bucket, check_object(name))
            found = self.blobs.get(conn, bucket, name, generation)
            require_there(found)
            changes = resource.object_changes(found, document, merge=merge)
            return self.blobs.update(conn, bucket, name, changes, generation=generation, **conditions)

        return self.db.write(verb)

    # Resumable uploads

    def begin_upload(self, wanted: Wanted, *, size: int | None = None) -> Session:
        """Open a resumable upload. Raises NotFound, InvalidArgument."""
        check_object(wanted.name)
        self.get_bucket(wanted.bucket)
        return self.uploads.begin(wanted, self.blobs.stage(wanted.bucket), size=size)

    def finish_upload(self, session: Session, *, crc32c: str = "", md5: str = "") -> Object:
        """Make what arrived an object; asked again, answer the same object."""
        with session.lock:
            if session.done is None:
                if session.size not in {None, session.received}:
                    raise InvalidArgument.field(
                        "X-Upload-Content-Length", f"said {session.size}, but {session.received} bytes have arrived."
                    )
                wanted = session.wanted
                wanted = replace(wanted, crc32c=crc32c or wanted.crc32c, md5=md5 or wanted.md5)
                try:
                    session.done = self.put(session.staged, wanted)
                except Exception:
                    self.uploads.forget(session.upload_id)
                    raise
            return session.done

    # Notifications

    def create_notification(self, bucket: str, document: Mapping[str, Any]) -> Notification:
        """Announce a bucket's changes on a topic. Raises NotFound, InvalidArgument."""
        values = resource.notification_values(document)
        self.get_bucket(bucket)
        if not self._has_topic(values["topic"]):
            raise InvalidArgument.field(
                "topic", f"there is no topic {values['topic']!r}; create it before the notification."
            )

        def verb(conn: Connection) -> Notification:
            self.blobs.get_bucket(conn, bucket)
            return store.insert(conn, bucket, values)

        return self.db.write(verb)

    def notify_in(self, conn: Connection, bucket: str, topic: str, kind: str = "OBJECT_FINALIZE") -> None:
        """Announce a kind of changes of a bucket on a topic, in the caller's transaction, once however often asked."""
        self.blobs.get_bucket(conn, bucket)
        if not any(config.topic == topic for config in store.list_of(conn, bucket)):
            wanted = {"topic": topic, "event_types": [kind], "payload_format": "JSON_API_V1"}
            store.insert(conn, bucket, resource.notification_values(wanted))

    def unnotify_in(self, conn: Connection, bucket: str, topic: str) -> None:
        """Stop announcing a bucket's changes on a topic, in the caller's transaction."""
        for config in store.list_of(conn, bucket):
            if config.topic == topic:
                store.remove(conn, bucket, config.notification_id)

    def list_notifications(self, bucket: str) -> Sequence[Notification]:
        """Read the notification configs of a bucket. Raises NotFound."""
        self.get_bucket(bucket)
        return self.db.read(lambda conn: store.list_of(conn, bucket))

    def get_notification(self, bucket: str, notification_id: str) -> Notification:
        """Read one notification config. Raises NotFound."""
        found = self.db.read(lambda conn: store.find(conn, bucket, notification_id))
        if found is None:
            raise NotFound(f"Bucket {bucket!r} has no notification {notification_id!r}.")
        return found

    def delete_notification(self, bucket: str, notification_id: str) -> None:
        """Remove a notification config. Raises NotFound."""
        self.get_notification(bucket, notification_id)
        self.db.write(lambda conn: store.remove(conn, bucket, notification_id))

    def on_object_changed(self, conn: Connection, payload: Mapping[str, Any]) -> None:
        """Handle `object.changed`: one message for every config that wants it, in the same transaction."""
        wanting = [
            config
            for config in store.list_of(conn, payload["bucket"])
            if config.wants(payload["event_type"], payload["name"])
        ]
        obj = store_blobs.find(conn, payload["bucket"], payload["name"], payload["generation"]) if wanting else None
        for config in wanting if obj is not None else ():
            assert obj is not None
            kept = self.blobs.get_bucket(conn, obj.bucket).soft_delete_seconds
            document = resource.object_json(obj, kept_seconds=kept)
            body = json.dumps(document) if config.payload_format == "JSON_API_V1" else ""
            message = {
                "topic": config.topic,
                "data": base64.b64encode(body.encode()).decode(),
                "attributes": resource.notification_attributes(config, obj, payload),
                "parent_receipt_id": payload.get("parent_receipt_id", ""),
            }
            append(conn, "topic.publish", message, now=self.clock.now())
