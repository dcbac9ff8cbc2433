"""Which tables the code has, written by `make migration`."""

REVISION = "0001_b62d9661"  # number of the last migration; until the first release, with a digest of its tables
