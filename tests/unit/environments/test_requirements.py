"""Requirement lines: what is taken, what is refused, and which sets are the same environment."""

import pytest

from trainshed.environments import read_requirements, requirements
from trainshed.errors import InvalidArgument


def digest(*lines):
    return requirements.digest(requirements.parse(lines), python="CPython 3.11.7 x86_64")


def test_order_spelling_comments_and_doubles_do_not_change_the_digest():
    assert digest("Pandas >=2", "scikit_learn", "# note", "") == digest("scikit-learn  # ml", "pandas>=2", "pandas>=2")


def test_versions_options_and_bare_installs_change_the_digest():
    lines = ("kfp==2.16.1", "kfp==2.16.0", "kfp==2.16.1 --no-deps", "kfp[all]==2.16.1")

    assert len({digest(line) for line in lines} | {digest(lines[0], "--pre")}) == 5


def test_the_interpreter_changes_the_digest():
    parsed = requirements.parse(["kfp"])

    assert requirements.digest(parsed, python="3.11.7") != requirements.digest(parsed, python="3.12.1")


def test_credentials_are_neither_shown_nor_part_of_the_digest():
    one = requirements.parse(["--index-url https://me:s3cret@host/simple", "a"])

    assert "s3cret" not in str(one.lines)
    assert any("s3cret" in option for option in one.options)
    assert digest("--index-url https://me:s3cret@host/simple") == digest("-i https://you:other@host/simple")


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("pandas==", "not a requirement"),
        ("pandas; rm -rf /", "not a requirement"),
        ("-e .", "of pip's options only"),
        ("--target /etc", "of pip's options only"),
        ("./folder", "must be absolute"),
        ("/does/not/exist.whl", "no such file"),
    ],
)
def test_a_bad_line_is_named(line, why):
    with pytest.raises(InvalidArgument, match=why) as caught:
        requirements.parse(["fine", line])

    assert caught.value.violations[0].field == "requirements[1]"
    assert line in caught.value.message


def test_a_refused_line_hides_its_credentials():
    with pytest.raises(InvalidArgument) as caught:
        requirements.parse(["--proxy https://me:s3cret@host"])

    assert "s3cret" not in str(caught.value)


def test_hashes_of_a_lock_stay_with_their_line():
    parsed = requirements.parse(["six==1.16.0 \\", "    --hash=sha256:bb \\", "    --hash=sha256:aa"])

    assert parsed.packages == ("six==1.16.0 --hash=sha256:aa --hash=sha256:bb",)


def test_changed_local_files_are_another_environment(tmp_path):
    (tmp_path / "setup.py").write_text("1")
    first = digest(str(tmp_path))
    (tmp_path / "setup.py").write_text("2")

    assert digest(str(tmp_path)) != first


def test_included_files_are_read_in_place_and_cycles_are_refused(tmp_path):
    (tmp_path / "a.txt").write_text("one\n-r b.txt\n")
    (tmp_path / "b.txt").write_text("two\n")

    assert read_requirements(tmp_path / "a.txt") == ["one", "two"]

    (tmp_path / "b.txt").write_text("-r a.txt\n")
    with pytest.raises(InvalidArgument, match="includes itself"):
        read_requirements(tmp_path / "a.txt")
