"""Buckets that are worked on in a process that may end at any touch of the file system."""

import os

from storage.boundaries import end_at

from trainshed.blobs import Blobs, Upkeep
from trainshed.buckets import Service, Source, Wanted
from trainshed.buckets.parts import join
from trainshed.clock import VirtualClock
from trainshed.sql import Database

LARGE = bytes(range(256)) * 4097  # a little more than the smallest step of a rewrite
CONTENT = {"a": b"first" * 1000, "a/b": b"second", "a//c": b"third"}


def store_everything(folder, acknowledged):
    """What the process does that is ended: a bucket, objects, one replaced, one removed."""
    clock = VirtualClock()
    db = Database(folder / "trainshed.db")
    blobs = Blobs(folder / "buckets", clock)

    def put(name, data):
        staged = blobs.stage_bytes(data)
        db.write(lambda conn: blobs.commit(conn, staged, "bucket", name))
        acknowledged.write(f"put {name} {len(data)}\n")
        acknowledged.flush()

    db.write(lambda conn: blobs.create_bucket(conn, "bucket"))
    for name, data in CONTENT.items():
        put(name, data)
    Upkeep(blobs, db, clock).settle()
    put("a", b"replaced")
    db.write(lambda conn: blobs.delete(conn, "bucket", "a/b"))
    acknowledged.write("delete a/b\n")
    acknowledged.flush()


def change_everything(folder, acknowledged):
    """The same, of a bucket that keeps versions: objects made of other objects, and of parts."""
    clock = VirtualClock()
    db = Database(folder / "trainshed.db")
    service = Service(db, clock, Blobs(folder / "buckets", clock))

    def say(*words):
        acknowledged.write(" ".join(words) + "\n")
        acknowledged.flush()

    def wanted(name):
        return Wanted(bucket="bucket", name=name)

    service.create_bucket("bucket", {"versioning": {"enabled": True}})
    for data in (b"old", LARGE):
        service.put(service.blobs.stage_bytes(data), wanted("a"))
        say("put a", "large" if data == LARGE else "old")
    source = Source(bucket="bucket", name="a")
    service.copies.compose([source, source], wanted("composed"))
    say("put composed twice")
    step = service.copies.rewrite(source, wanted("rewritten"), keep_metadata=True, limit=1 << 20)
    service.copies.rewrite(source, wanted("rewritten"), keep_metadata=True, token=step.token)
    say("put rewritten large")
    service.copies.move(Source(bucket="bucket", name="composed"), wanted("moved"))
    say("put moved twice")
    upload = service.parted.begin(wanted("parts"))
    parts = [upload.take(n, service.blobs.stage_bytes(LARGE), clock.now()) for n in (1, 2)]
    with service.blobs.stage() as staged:
        join(parts, staged)
    service.put(staged, wanted("parts"))
    service.parted.end(upload)
    say("put parts twice")


def run_and_end(folder, boundary, script):
    """Do what the script of that name does; this process ends without a trace at the given touch of the file system."""
    end_at(boundary)
    try:
        with (folder / "acknowledged").open("a") as acknowledged:
            {"store_everything": store_everything, "change_everything": change_everything}[script](folder, acknowledged)
    except BaseException:  # noqa: BLE001
        os._exit(1)
    os._exit(0)
