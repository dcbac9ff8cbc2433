"""Addresses for people hold no user name and no password."""

import pytest

from trainshed.addresses import hide


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://user:word@host/x.git", "https://***@host/x.git"),
        ("at https://token@host: no", "at https://***@host: no"),
        ("https://user:w@rd@host/", "https://***@host/"),
        ("a https://u:p@h and ftp://u:p@h", "a https://***@h and ftp://***@h"),
        ("<td>https://u:p@h</td>", "<td>https://***@h</td>"),
        ('{"uri":"https://u:p@h"}', '{"uri":"https://***@h"}'),
        *[(same, same) for same in (
            "https://host/a@b", "https://host?to=a@b", "gs://bucket/a@b", "ssh://git@host/x.git", "git@host:x.git",
            '"https://host" a@b', "// mail a@b", "",
        )],
    ],
)  # fmt: skip
def test_who_an_address_is_for_stays_out_of_it(text, shown):
    assert hide(text) == shown
