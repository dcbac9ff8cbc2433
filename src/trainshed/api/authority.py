"""Keys and certificates of a home directory: where they lie, and how they are made, by `python -m` of this module.

What exists stays: a client that holds an older bundle of authorities retries silently for minutes.
"""

import hashlib
import sys
from collections.abc import Sequence
from pathlib import Path

from trainshed.api import tokens


class Files:
    """Where they lie. The server's own certificate is of an authority and for hosts: for others there is another."""

    def __init__(self, folder: Path, hosts: Sequence[str]) -> None:
        self.hosts = hosts
        self.certificate = folder / "authority.pem"
        self.key = folder / "authority.key"
        self.accounts = folder / "service-accounts.key"
        self._folder = folder

    @property
    def server(self) -> Path:
        """The server's key and certificates, in one file."""
        made_of = self.certificate.read_bytes() + " ".join(self.hosts).encode()
        return self._folder / f"server-{hashlib.sha256(made_of).hexdigest()[:12]}.pem"

    @property
    def are_there(self) -> bool:
        """Tell whether nothing has to be made."""
        there = (self.certificate, self.key, self.accounts)
        return all(path.exists() for path in there) and self.server.exists()


def make(files: Files) -> None:
    """Make what is missing."""
    import trustme  # takes longer to import than all that serving needs for TLS

    if files.certificate.exists() and files.key.exists():
        authority = trustme.CA.from_pem(files.certificate.read_bytes(), files.key.read_bytes())
    else:
        authority = trustme.CA(organization_name="Trainshed", organization_unit_name="local certificate authority")
        tokens.write_private(files.key, authority.private_key_pem.bytes())
        tokens.write_private(files.certificate, authority.cert_pem.bytes())
    if not files.server.exists():
        tokens.write_private(files.server, authority.issue_cert(*files.hosts).private_key_and_cert_chain_pem.bytes())
    if not files.accounts.exists():
        tokens.make(files.accounts)


if __name__ == "__main__":
    make(Files(Path(sys.argv[1]), sys.argv[2:]))
