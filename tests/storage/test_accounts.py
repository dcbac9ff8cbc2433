"""Service accounts: named, kept, shown."""

import pytest

from trainshed import policies
from trainshed.errors import AlreadyExists, InvalidArgument, NotFound


@pytest.fixture
def accounts(db, clock):
    return policies.Accounts(db, clock)


def test_an_account_has_the_address_that_google_would_give_it(accounts):
    made = accounts.create("p", "robot-1", {"displayName": "Robot"})

    assert made.email == "robot-1@p.iam.gserviceaccount.com"
    assert made.name == "projects/p/serviceAccounts/robot-1@p.iam.gserviceaccount.com"
    assert accounts.get(made.email) == made


@pytest.mark.parametrize("account_id", ["", "short", "Robot-1", "1robot", "robot_1", "robot-", "r" * 31, "../robot"])
def test_names_are_googles(accounts, account_id):
    with pytest.raises(InvalidArgument, match="accountId"):
        accounts.create("p", account_id, {})


def test_a_name_is_given_once(accounts):
    accounts.create("p", "robot-1", {})

    with pytest.raises(AlreadyExists):
        accounts.create("p", "robot-1", {})
    assert accounts.create("q", "robot-1", {}).project == "q"


def test_accounts_are_listed_by_project_and_page(accounts):
    for number in range(5):
        accounts.create("p", f"robot-{number}", {})
    accounts.create("q", "stranger", {})

    first, token = accounts.list("p", page_size=3, page_token="")
    second, end = accounts.list("p", page_size=3, page_token=token)

    assert [account.email.partition("@")[0] for account in [*first, *second]] == [f"robot-{n}" for n in range(5)]
    assert end == ""


def test_a_change_keeps_what_it_does_not_name(accounts):
    made = accounts.create("p", "robot-1", {"displayName": "Robot", "description": "d"})

    accounts.change(made.email, {"description": "e"}, disabled=True)

    found = accounts.get(made.email)
    assert (found.display_name, found.description, found.disabled) == ("Robot", "e", True)
    with pytest.raises(InvalidArgument, match="displayName"):
        accounts.change(made.email, {"displayName": "é" * 51})


def test_a_deleted_account_is_gone_with_its_policy(accounts, db):
    rights = policies.Service(db)
    made = accounts.create("p", "robot-1", {})
    rights.set(made.name, {"bindings": [{"role": "roles/iam.serviceAccountUser", "members": ["user:a@b.c"]}]})

    accounts.delete(made.email)

    with pytest.raises(NotFound):
        accounts.get(made.email)
    assert "bindings" not in rights.get(made.name)
