import io
import zipfile

import pytest

from trainshed.errors import InvalidArgument
from trainshed.functions.source import FRAMEWORK, Sources, pack, requirements


def an_archive(**files):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return buffer.getvalue()


def test_same_content_is_the_same_snapshot(tmp_path):
    sources = Sources(tmp_path / "sources")

    first = sources.add(an_archive(**{"main.py": "a", "lib/x.py": "b"}))
    again = sources.add(an_archive(**{"lib/x.py": "b", "main.py": "a"}))
    other = sources.add(an_archive(**{"main.py": "a", "lib/x.py": "c"}))

    assert first == again != other
    assert (sources.folder(first) / "lib" / "x.py").read_text() == "b"
    assert [p.name for p in (tmp_path / "sources").glob(".new-*")] == []


def test_folder_goes_through_pack_without_its_rubbish(tmp_path):
    source = tmp_path / "fn"
    (source / "__pycache__").mkdir(parents=True)
    (source / "__pycache__" / "main.pyc").write_text("x")
    (source / "main.py").write_text("print()")
    sources = Sources(tmp_path / "sources")

    folder = sources.folder(sources.add(pack(source)))

    assert sorted(p.name for p in folder.rglob("*")) == ["main.py"]


@pytest.mark.parametrize("name", ["../evil.py", "/etc/evil", "a/../../evil", "a\\..\\evil"])
def test_entry_outside_of_the_archive_is_refused(tmp_path, name):
    with pytest.raises(InvalidArgument, match="outside of itself"):
        Sources(tmp_path).add(an_archive(**{"main.py": "", name: ""}))
    assert not (tmp_path.parent / "evil.py").exists()


def test_link_in_an_archive_is_refused(tmp_path):
    buffer = io.BytesIO(an_archive(**{"main.py": ""}))
    with zipfile.ZipFile(buffer, "a") as archive:
        link = zipfile.ZipInfo("link")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")

    with pytest.raises(InvalidArgument, match="has a link"):
        Sources(tmp_path).add(buffer.getvalue())


def test_what_is_no_archive_or_no_function_is_refused(tmp_path):
    with pytest.raises(InvalidArgument, match="not a zip archive"):
        Sources(tmp_path).add(b"PK nonsense")
    with pytest.raises(InvalidArgument, match=r"no main\.py"):
        Sources(tmp_path).add(an_archive(**{"other.py": ""}))
    with pytest.raises(InvalidArgument, match=r"no main\.py"):
        pack(tmp_path)


def test_s38_requirements_get_the_framework_unless_they_name_it(tmp_path):
    (tmp_path / "requirements.txt").write_text("requests  # a comment\n-r more.txt\n")
    (tmp_path / "more.txt").write_text("flask\n")
    assert requirements(tmp_path) == ["requests", "flask", FRAMEWORK]

    (tmp_path / "requirements.txt").write_text("Functions_Framework==3.8.1\n")
    assert requirements(tmp_path) == ["Functions_Framework==3.8.1"]

    (tmp_path / "requirements.txt").unlink()
    assert requirements(tmp_path) == [FRAMEWORK]


def test_local_package_must_lie_within_the_source(tmp_path):
    (tmp_path / "requirements.txt").write_text("../elsewhere\n")

    with pytest.raises(InvalidArgument, match="outside"):
        requirements(tmp_path)


def test_upload_is_found_by_its_token_only(tmp_path):
    sources = Sources(tmp_path)
    token = sources.hold(b"zip")

    assert sources.held(f"https://host/uploads/{token}") == b"zip"
    with pytest.raises(InvalidArgument, match="nothing was uploaded"):
        sources.held("../../etc/passwd")
    with pytest.raises(InvalidArgument, match="token"):
        sources.hold(b"", "../evil")


@pytest.mark.parametrize("kind", ["locked", "unknown method", "no text", "damaged", "file and folder", "long name"])
def test_a_broken_archive_is_said_to_be_broken(tmp_path, kind):
    with zipfile.ZipFile(buffer := io.BytesIO(), "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("main.py", bytes(range(250)) * 40)
        if kind == "file and folder":
            archive.writestr("main.py/more", "x")
        if kind == "long name":
            archive.writestr("n" * 300, "x")
    found = bytearray(buffer.getvalue())
    for place, at, name in ((0, 6, 30), (middle := found.find(b"PK\x01\x02"), middle + 8, middle + 46)):
        assert found[place : place + 2] == b"PK"
        found[at] |= kind == "locked"
        found[at + 2] = 99 if kind == "unknown method" else found[at + 2]
        if kind == "no text":
            found[at + 1] |= 8  # the name is UTF-8
            found[name] = 0xFF
    if kind == "damaged":
        found[45:60] = b"\xff" * 15

    with pytest.raises(InvalidArgument, match="not a zip archive that can be read"):
        Sources(tmp_path).add(bytes(found))
