"""Service accounts that somebody made by name: kept and shown. Whoever reaches the server may act as any of them.

Names and limits: https://cloud.google.com/iam/docs/service-accounts-create.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Boolean, Column, Connection, Table, Text, delete, select

from trainshed import names
from trainshed.clock import Clock
from trainshed.errors import AlreadyExists, InvalidArgument, NotFound
from trainshed.policies import store
from trainshed.sql import Database, Timestamp, insert_new, metadata

_ID = re.compile(r"[a-z](?:[-a-z0-9]{4,28}[a-z0-9])")
_LONGEST = {"displayName": 100, "description": 256}  # in bytes, as Google counts them
NAME = "projects/{project}/serviceAccounts/{email}"

accounts = Table(
    "service_accounts",
    metadata,
    Column("email", Text, primary_key=True),
    Column("project", Text, nullable=False, index=True),
    Column("display_name", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("disabled", Boolean, nullable=False),
    Column("create_time", Timestamp, nullable=False),
)


@dataclass(frozen=True, kw_only=True)
class Account:
    """One service account."""

    email: str
    project: str
    display_name: str
    description: str
    disabled: bool
    create_time: datetime

    @property
    def name(self) -> str:
        """The resource name."""
        return f"projects/{self.project}/serviceAccounts/{self.email}"


class Accounts:
    """The verbs of service accounts: one transaction each."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    def create(self, project: str, account_id: str, texts: Mapping[str, str]) -> Account:
        """Make an account. Raises InvalidArgument, AlreadyExists."""
        if not _ID.fullmatch(account_id):
            raise InvalidArgument.field(
                "accountId", f"{account_id!r} is not 6 to 30 lower-case letters, digits and '-', a letter first"
            )
        _check(texts)
        account = Account(
            email=f"{account_id}@{project}.iam.gserviceaccount.com",
            project=project,
            display_name=texts.get("displayName", ""),
            description=texts.get("description", ""),
            disabled=False,
            create_time=self._clock.now(),
        )
        if not self._db.write(lambda conn: insert_new(conn, accounts, vars(account))):
            raise AlreadyExists(f"There is a service account {account.email!r} already.")
        return account

    def get(self, email: str) -> Account:
        """Read an account. Raises NotFound."""
        return self._db.read(lambda conn: _get(conn, email))

    def list(self, project: str, *, page_size: int, page_token: str) -> tuple[list[Account], str]:
        """Read a page of a project's accounts, by e-mail, and the token of the next page."""
        after = names.read_place(page_token, "after", "")
        query = (
            select(accounts)
            .where(accounts.c.project == project, accounts.c.email > after)
            .order_by(accounts.c.email)
            .limit(page_size + 1)
        )
        found = [_account(row) for row in self._db.read(lambda conn: conn.execute(query).all())]
        more = names.page_token(after=found[page_size - 1].email) if len(found) > page_size else ""
        return found[:page_size], more

    def change(self, email: str, texts: Mapping[str, str], *, disabled: bool | None = None) -> Account:
        """Replace texts of an account, or say whether it is disabled. Raises InvalidArgument, NotFound."""
        _check(texts)

        def verb(conn: Connection) -> Account:
            found = _get(conn, email)
            changed = replace(
                found,
                display_name=texts.get("displayName", found.display_name),
                description=texts.get("description", found.description),
                disabled=found.disabled if disabled is None else disabled,
            )
            conn.execute(accounts.update().where(accounts.c.email == email).values(**vars(changed)))
            return changed

        return self._db.write(verb)

    def delete(self, email: str) -> None:
        """Remove an account and its policy. Raises NotFound."""

        def verb(conn: Connection) -> None:
            found = _get(conn, email)
            conn.execute(delete(accounts).where(accounts.c.email == email))
            store.forget(conn, found.name)

        self._db.write(verb)


def _check(texts: Mapping[str, str]) -> None:
    for field, most in _LONGEST.items():
        if len(texts.get(field, "").encode()) > most:
            raise InvalidArgument.field(f"serviceAccount.{field}", f"is longer than {most} bytes")


def _get(conn: Connection, email: str) -> Account:
    row = conn.execute(select(accounts).where(accounts.c.email == email)).one_or_none()
    if row is None:
        raise NotFound(f"There is no service account {email!r}.")
    return _account(row)


def _account(row: Any) -> Account:
    return Account(**row._mapping)  # noqa: SLF001  (SQLAlchemy's public name for it)
