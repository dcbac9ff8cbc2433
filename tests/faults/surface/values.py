"""Values for fields: mostly what a client would send, now and then what it never should."""

import base64
import string

PROJECT, REGION = "local-project", "us-central1"
IDS = ("alpha", "beta", "gamma", "delta")  # few, so that requests meet what earlier ones made
HOSTILE = (
    "",
    " ",
    "\x00",
    "..",
    "../../etc/passwd",
    "a/b",
    "%2e%2e%2f",
    "%",
    "${X}",
    "$(id)",
    "'; drop table topics; --",
    "<script>alert(1)</script>",
    "\u202ereversed",
    "\U0001f427",
    "-",
    "*",
    "goog",
    "a" * 300,
    "b" * 5000,
    "NaN",
    "1e999",
    "2026-13-45T99:99:99Z",
    "projects//topics/",
    "projects/local-project/topics/alpha/extra",
    "gs://",
    "gs://alpha/../beta",
    "\ud7ff\uffff",
)
KNOWN = {
    "topic": [f"projects/{PROJECT}/topics/{i}" for i in IDS],
    "subscription": [f"projects/{PROJECT}/subscriptions/{i}" for i in IDS],
    "snapshot": [f"projects/{PROJECT}/snapshots/{i}" for i in IDS],
    "schema": [f"projects/{PROJECT}/schemas/{i}" for i in IDS],
    "location": [REGION],
    "runtime": ["python311", "python37", "cobol"],
    "entry_point": ["main", "trigger"],
    "schedule": ["* * * * *", "*/3 * * * *", "61 * * * *", "every 5 minutes", "TZ=Europe/Berlin 0 3 * * *"],
    "time_zone": ["Europe/Berlin", "Etc/UTC", "Mars/Olympus"],
    "filter": ['state="ACTIVE"', 'attributes.k = "v"', 'status="SUCCESS" AND create_time>"2026-01-01T00:00:00Z"', "(("],
    "order_by": ["create_time desc", "name", "no_such desc,,"],
    "page_token": ["", "eyJhZnRlciI6ICJ4In0", "bm90IGpzb24", "///"],
    "uri": ["https://127.0.0.1:9/x", "gs://alpha/spec.json", "ftp://x", "http://127.0.0.1:9/\r\nX: y"],
    "filter_": ["a=b"],
    "definition": ['{"type": "record", "name": "R", "fields": []}', 'syntax = "proto3"; message M {}', "{"],
}
SMALL = (0, 1, 2, 10, 60, 600)
HUGE = (-1, -(2**31), 2**31 - 1, 2**53, 2**63 - 1, -(2**63))


def text(random, field_name=""):
    """Make a string that fits a field's name, or does not."""
    if random.random() < 0.12:
        return random.choice(HOSTILE)
    known = KNOWN.get(field_name)
    if known and random.random() < 0.8:
        return random.choice(known)
    if random.random() < 0.8:
        return random.choice(IDS)
    return "".join(random.choice(string.printable) for _ in range(random.randint(1, 30)))


def identifier(random):
    """Make one segment of a resource name."""
    return random.choice(HOSTILE) if random.random() < 0.06 else random.choice(IDS)


def resource(random, template):
    """Fill a path template such as `projects/*/topics/*`."""
    parts, collection = [], ""
    for part in template.split("/"):
        if part not in {"*", "**"}:
            parts.append(part)
        elif collection == "projects":
            parts.append(PROJECT if random.random() < 0.92 else random.choice(["other", "", "-", "p" * 99]))
        elif collection == "locations":
            parts.append(REGION if random.random() < 0.92 else random.choice(["-", "global", "nowhere"]))
        else:
            parts.append(identifier(random))
        collection = part
    return "/".join(parts)


def number(random):
    """Make a whole number of 64 bits."""
    return random.choice(HUGE) if random.random() < 0.15 else random.choice(SMALL)


def raw(random):
    """Make bytes."""
    return random.choice(
        [b"", b"x", b'{"num_epochs": "3"}', random.randbytes(random.randint(1, 200)), b"\xff\xfe" * 50]
    )


def mutated_bytes(random, data):
    """Answer the bytes with one to four of them, or whole stretches, changed."""
    changed = bytearray(data or b"\x00")
    for _ in range(random.randint(1, 4)):
        at = random.randrange(len(changed)) if changed else 0
        kind = random.randrange(5)
        if kind == 0 and changed:
            changed[at] ^= 1 << random.randrange(8)
        elif kind == 1:
            del changed[at : at + random.randint(1, 20)]
        elif kind == 2:
            changed[at:at] = random.randbytes(random.randint(1, 20))
        elif kind == 3:
            changed[at:at] = changed[at : at + 50]
        elif changed:
            changed[at] = random.randrange(256)
    return bytes(changed)


def odd_json(random, *, depth=0):
    """Make a JSON value of any type."""
    kind = random.randrange(9 if depth < 3 else 7)
    if kind == 7:
        return [odd_json(random, depth=depth + 1) for _ in range(random.randint(0, 3))]
    if kind == 8:
        return {random.choice(IDS): odd_json(random, depth=depth + 1) for _ in range(random.randint(0, 3))}
    plain = (None, True, number(random), 1.5, float("nan"), text(random), base64.b64encode(raw(random)).decode())
    return plain[kind]
