"""The home directory: owned by one server at a time, which writes its address there."""

import fcntl
import os
from pathlib import Path
from threading import Event

from trainshed.clock import monotonic
from trainshed.errors import FailedPrecondition, ResourceExhausted

_LOCK, _ADDRESS = "lock", "address"
_STORE = "trainshed.db"  # makes a folder a home, whatever else lies in it
# What may lie in a home before a server was there: of commands that need none, of people, of the disk, of the shell.
_EARLY = {"environments", "secrets", "buckets", "logs", _LOCK, _ADDRESS, ".demo", "lost+found", ".DS_Store", ".gitkeep"}
_EARLY_ENDS = (".log", ".pid")
_NAMED = 3  # of the things that are in the way
_LOOK_SECONDS = 0.05


class Home:
    """Ownership of a home directory, held until `release` or the end of the process, however it ends."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Take the home. Raises FailedPrecondition when another server has it, naming that one, and for a folder that is no home."""
        require_home(self.path)
        try:
            self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor = os.open(self.path / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise _unusable(self.path, error) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            owner = os.read(descriptor, 64).decode(errors="replace").strip() or "unknown"
            os.close(descriptor)
            raise FailedPrecondition(
                f"The home directory {self.path} belongs to a running server (process {owner}"
                f"{', ' + address if (address := read_address(self.path)) else ''}). "
                "Use that server, stop it, or choose another directory with --home.",
                reason="HOME_OWNED",
            ) from error
        for left in (self.path / _ADDRESS, token_file(self.path)):  # by a dead server
            left.unlink(missing_ok=True)
        os.ftruncate(descriptor, 0)
        os.write(descriptor, str(os.getpid()).encode())
        self._descriptor = descriptor

    def is_held(self) -> bool:
        """Tell whether the lock in the home is the one that is held: another server could take any other."""
        if self._descriptor is None:
            return False
        held = os.fstat(self._descriptor)
        try:
            found = (self.path / _LOCK).stat()
        except OSError:
            return False
        return (held.st_dev, held.st_ino) == (found.st_dev, found.st_ino)

    def publish_address(self, address: str) -> None:
        """Let clients find the server that owns this home."""
        temporary = self.path / f"{_ADDRESS}.new"
        temporary.write_text(address)
        temporary.replace(self.path / _ADDRESS)

    def release(self) -> None:
        """Give the home back."""
        if self._descriptor is not None:
            (self.path / _ADDRESS).unlink(missing_ok=True)
            os.close(self._descriptor)
            self._descriptor = None


def require_home(path: Path) -> None:
    """Look that a folder is a home, or is empty, or is not there yet. Raises FailedPrecondition."""
    try:
        names = sorted(entry.name for entry in path.iterdir())
    except FileNotFoundError:
        return
    except OSError as error:
        raise _unusable(path, error) from error
    others = [name for name in names if name not in _EARLY and not name.endswith(_EARLY_ENDS)]
    if not others or _STORE in names:
        return
    more = f" and {len(others) - _NAMED} more" if len(others) > _NAMED else ""
    raise FailedPrecondition(
        f"The folder {path} is no home of Trainshed: it holds other things ({', '.join(others[:_NAMED])}{more}). "
        f"Choose a new or an empty folder with --home or TRAINSHED_HOME, such as {path / '.trainshed'}.",
        reason="HOME_FOREIGN",
    )


def token_file(home: Path) -> Path:
    """Answer the file with the token of a server that asks for one; only its owner may read it."""
    return home / "token"


def read_token(home: Path) -> str:
    """Answer the token of the server that owns `home`, or "" when it needs none."""
    try:
        return token_file(home).read_text().strip()
    except OSError:
        return ""


def read_address(home: Path, *, patience_seconds: float = 0.0) -> str:
    """Answer the address of the server that owns `home`, or "" when none does.

    A server that owns it and is still starting is waited for, as long as `patience_seconds`.
    """
    until = monotonic() + patience_seconds
    pause = Event()
    while is_owned(home):
        file = home / _ADDRESS
        if file.exists():
            return file.read_text().strip()
        if monotonic() >= until:
            return ""
        pause.wait(_LOOK_SECONDS)
    return ""  # nobody holds it: an address left there is a dead server's


def is_owned(home: Path) -> bool:
    """Whether a living server owns `home`."""
    try:
        descriptor = os.open(home / _LOCK, os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    else:
        return False
    finally:
        os.close(descriptor)


def _unusable(path: Path, error: OSError) -> Exception:
    if error.errno in {28, 122}:  # ENOSPC, EDQUOT
        return ResourceExhausted(f"The disk of the home directory {path} is full.", reason="DISK_FULL")
    return FailedPrecondition(f"The home directory {path} cannot be used: {error.strerror}.", reason="HOME_UNUSABLE")
