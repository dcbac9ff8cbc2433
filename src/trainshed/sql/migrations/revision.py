"""Which tables the code has, written by `make migration`."""

REVISION = "0001_ebf1d8cd"  # number of the last migration; until the first release, with a digest of its tables
