"""Which tables the code has, written by `make migration`."""

REVISION = "0001_b64fccce"  # number of the last migration; until the first release, with a digest of its tables
