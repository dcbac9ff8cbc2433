"""Which tables the code has, and had: the revision of each migration, written by `make migration`."""

REVISIONS = (
    "0001_b62d9661",
    "0002_8f78f618",
)  # number of the migration, with a digest of what it does
REVISION = REVISIONS[-1]
