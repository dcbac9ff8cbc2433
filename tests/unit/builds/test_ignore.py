"""Ignore files: what of a folder is left out."""

from trainshed.builds import ignore


def test_ignore_files_work_as_gits(tmp_path):
    for name in ("a.py", "a.log", "keep.log", "build/x", "sub/build/y", "sub/b.py", ".git/config"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / ".gitignore").write_text("*.log\n!keep.log\nbuild/\n")

    found = [p.as_posix() for p in ignore.walk(tmp_path, ignore.of_source(tmp_path))]

    assert sorted(found) == [".gitignore", "a.py", "keep.log", "sub/b.py"]


def test_a_gcloudignore_rules_alone_and_may_include(tmp_path):
    (tmp_path / "a.py").touch()
    (tmp_path / "b.txt").touch()
    (tmp_path / ".gitignore").write_text("*.txt\n")
    (tmp_path / ".gcloudignore").write_text("#!include:.gitignore\n.g*\n")

    assert [p.name for p in ignore.walk(tmp_path, ignore.of_source(tmp_path))] == ["a.py"]
