"""`trainshed doctor` as a user runs it."""

from trainshed.testing import Server


def test_the_machine_is_examined_and_a_clean_folder_ends_with_0(tmp_path):
    clean = tmp_path / "project"
    clean.mkdir()
    (clean / "main.py").write_text("print('hello')\n")

    done = Server(tmp_path / "home").run("doctor", str(clean))

    assert done.returncode == 0, done.stdout + done.stderr
    for subject in ("python", "git", "uv", "container engine", "processes of functions", "home", "disk", "port"):
        assert f" {subject}: " in done.stdout
    assert "No known defect" in done.stdout


def test_a_defect_is_shown_with_place_consequence_and_fix_and_ends_with_1(tmp_path):
    (tmp_path / "requirements.txt").write_text("kfp==1.6.2\n")

    done = Server(tmp_path / "home").run("doctor", str(tmp_path))
    document = Server(tmp_path / "home").run("doctor", str(tmp_path), "--format", "json")

    assert done.returncode == document.returncode == 1
    assert "requirements.txt:1: D9 kfp==1.6.2" in done.stdout
    assert "fix: pin kfp>=2" in done.stdout
    assert '"code": "D9"' in document.stdout
