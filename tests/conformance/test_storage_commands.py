"""`trainshed storage` on a real server."""

import pytest

from trainshed.testing import server


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with server(tmp_path_factory.mktemp("storage") / "home") as made:
        yield made


@pytest.fixture
def bucket(running, request):
    name = f"b-{abs(hash(request.node.name)) % 10**9}"
    assert running.run("storage", "buckets", "create", f"gs://{name}").returncode == 0
    return f"gs://{name}"


def lines(done):
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_s20_objects_are_listed_with_sizes_and_copied_between_buckets(running, bucket, tmp_path):
    file = tmp_path / "penguins_processed.csv"
    file.write_bytes(b"x" * 12639)
    other = f"{bucket}-other"
    running.run("storage", "buckets", "create", other)

    assert running.run("storage", "cp", str(file), f"{bucket}/data/").returncode == 0
    assert running.run("storage", "cp", f"{bucket}/data/penguins_processed.csv", f"{other}/").returncode == 0
    listed = lines(running.run("storage", "ls", "-lh", other))

    assert listed[0].startswith(" 12.34 KiB  20")
    assert listed[0].endswith(f"Z  {other}/penguins_processed.csv")
    assert listed[1] == "TOTAL: 1 objects, 12639 bytes (12.34 KiB)"
    assert lines(running.run("storage", "ls", bucket)) == [f"{bucket}/data/"]


def test_folders_go_up_and_come_down_whole(running, bucket, tmp_path):
    (tmp_path / "model/variables").mkdir(parents=True)
    (tmp_path / "model/saved.pb").write_bytes(b"\0\1")
    (tmp_path / "model/variables/data").write_bytes(b"v")

    assert running.run("storage", "cp", "-r", str(tmp_path / "model"), f"{bucket}/serving/").returncode == 0
    assert lines(running.run("storage", "ls", "-r", bucket)) == [
        f"{bucket}/serving/model/saved.pb", f"{bucket}/serving/model/variables/data",
    ]  # fmt: skip
    assert running.run("storage", "cp", "-r", f"{bucket}/serving/model", str(tmp_path / "back")).returncode == 0

    assert (tmp_path / "back/saved.pb").read_bytes() == b"\0\1"
    assert (tmp_path / "back/variables/data").read_bytes() == b"v"


def test_standard_input_wildcards_cat_and_rm(running, bucket):
    for name in ("a.csv", "b.csv", "c.txt"):
        assert running.run("storage", "cp", "-", f"{bucket}/{name}", input=f"{name}\n").returncode == 0

    assert lines(running.run("storage", "cat", f"{bucket}/*.csv")) == ["a.csv", "b.csv"]
    assert running.run("storage", "rm", f"{bucket}/*.csv").returncode == 0
    assert [o["name"] for o in running.json("storage", "ls", bucket)] == ["c.txt"]
    assert running.run("storage", "rm", "-r", bucket).returncode == 0
    assert running.run("storage", "buckets", "describe", bucket).returncode == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["ls", "gs://no-such-bucket"], "no bucket 'no-such-bucket'"),
        (["cat", "{b}/nope"], "No object matches {b}/nope"),
        (["cp", "/no/such/file", "{b}/"], "there is no file /no/such/file"),
        (["cp", "/tmp", "{b}/"], "add -r"),
        (["cp", "/etc/hostname", "/tmp/x"], "neither '/etc/hostname' nor DST ('/tmp/x') is a gs:// address"),
        (["buckets", "create", "gs://UPPER"], "is not a bucket name"),
        (["buckets", "create", "{b}"], "exists already"),
        (["buckets", "notifications", "create", "{b}", "--topic", "t", "--event-types", "NEW"], "event_types"),
    ],
)
def test_bad_input_ends_with_one_sentence_and_code_2(running, bucket, arguments, said):
    done = running.run("storage", *[a.format(b=bucket) for a in arguments])

    assert done.returncode == 2
    assert said.format(b=bucket) in done.stderr
    assert "Traceback" not in done.stderr


def test_a_folder_is_not_written_outside_its_target(running, bucket, tmp_path):
    running.run("storage", "cp", "-", f"{bucket}/x/../evil", input="evil")

    done = running.run("storage", "cp", "-r", f"{bucket}/x", str(tmp_path / "in"))

    assert done.returncode == 2
    assert "would not lie inside" in done.stderr
    assert list(tmp_path.rglob("evil")) == []
