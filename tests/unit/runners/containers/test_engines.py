"""Container engines by their command lines, played by a script that notes what it is asked."""

import json
import os
import shlex
from datetime import UTC, datetime
from pathlib import Path

import pytest

from trainshed.errors import InvalidArgument
from trainshed.runners.containers import confinement
from trainshed.runners.containers.attempts import Attempt, facts_of, outcome_of
from trainshed.runners.containers.confinement import Grounds, confine
from trainshed.runners.containers.engines import Engine, EngineFailed, Engines, State
from trainshed.runners.containers.keeper import LEASE_EXPIRED, STOPPED, note
from trainshed.runners.contract import Container, ExitedNonZero, Launch, LeaseLost, Limits, OutOfMemory, Stopped
from trainshed.runners.machine import Share

ID = "9c" * 32


@pytest.fixture
def play(tmp_path):
    """Make an engine's command line that answers as told, by the words it begins with."""

    def make(name="podman", **answers):
        folder = tmp_path / "bin"
        folder.mkdir(exist_ok=True)
        script = [f'#!/bin/sh\nprintf \'%s\\n\' "$*" >> {folder}/{name}.asked\nenv > {folder}/{name}.env\ncase "$1" in']
        for word, (code, out, complaint) in answers.items():
            said = f"printf '%s' {shlex.quote(out)}; printf '%s' {shlex.quote(complaint)} >&2; exit {code}"
            script.append(f"{word}) {said};;")
        path = folder / name
        path.write_text("\n".join([*script, "esac\n"]))
        path.chmod(0o755)
        return path

    return make


def asked(program):
    return Path(f"{program}.asked").read_text().splitlines()


def image(**config):
    return (0, json.dumps([{"Id": ID, "Config": config}]), "")


def a_launch(folder, **changes):
    values = {
        "task_id": "7",
        "attempt": 1,
        "work": Container(image="gcr.io/p/trainer:1", command=("train",), arguments=("--x", "a b")),
        "executor_input": "{}",
        "environment": f"sha256:{ID}",
        "folder": folder / "7" / "1",
        "mount": folder / "7" / "1" / "mount",
        "output_file": folder / "7" / "1" / "output.json",
        "log_file": folder / "7" / "1" / "log",
        **changes,
    }
    return Launch(**values)


def an_engine(name="podman", **changes):
    return Engine(name, f"/usr/bin/{name}", **changes)


def words_of(launch, tmp_path, engine=None, *, image_user="", named=None):
    grounds = Grounds(buckets=tmp_path / "buckets", reach=(tmp_path / "ca", tmp_path / "credentials"))
    launch.mount.mkdir(parents=True, exist_ok=True)
    made = confine(launch, launch.work, engine or an_engine(), grounds, private=tmp_path, image_user=image_user)
    if named is not None:
        named.update(made.named)
    return " ".join(made.words)


# Which engine


def test_the_first_engine_that_works_is_used(play, monkeypatch):
    docker = play("docker", version=(1, "", "Cannot connect to the Docker daemon at unix:///var/run/docker.sock."))
    play("podman", info=(0, "true [cpuset cpu memory pids]\n", ""))
    monkeypatch.setenv("PATH", f"{docker.parent}:/bin:/usr/bin")

    found = Engines("auto").current()

    assert (found.name, found.is_rootless, found.controllers) == ("podman", True, ("cpuset", "cpu", "memory", "pids"))


def test_why_no_engine_is_used_is_told(play, monkeypatch):
    docker = play("docker", version=(1, "", "some warning\nCannot connect to the Docker daemon"))
    monkeypatch.setenv("PATH", str(docker.parent))
    engines = Engines("auto")

    assert engines.current() is None
    assert engines.why_not == (
        f"{docker} does not work: Cannot connect to the Docker daemon",
        "podman is not installed",
    )


def test_an_engine_that_comes_later_is_found(play, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    engines = Engines("podman")
    assert engines.current() is None
    monkeypatch.setenv("PATH", f"{play('podman', info=(0, 'false [cpu memory]', '')).parent}:/bin:/usr/bin")

    assert engines.current().name == "podman"


def test_none_is_none_whatever_is_installed(play, monkeypatch):
    program = play("podman", info=(0, "false [cpu memory]", ""))
    monkeypatch.setenv("PATH", f"{program.parent}:/bin:/usr/bin")

    assert Engines("none").current() is None
    assert not Path(f"{program}.asked").exists()


@pytest.mark.parametrize(
    ("setting", "options", "says"),
    [("lxc", "", "TRAINSHED_ENGINE: 'lxc' is none of"), ("auto", "--a 'b", "TRAINSHED_ENGINE_OPTIONS")],
)
def test_settings_that_mean_nothing_are_refused(setting, options, says):
    with pytest.raises(InvalidArgument, match=says):
        Engines(setting, options)


# What it answers


@pytest.mark.parametrize("answer", [(0, json.dumps([{"Id": f"sha256:{ID}"}]), ""), image()])
def test_an_image_is_known_by_its_digest(play, answer):
    assert Engine("podman", str(play(image=answer))).image("x").digest == f"sha256:{ID}"


@pytest.mark.parametrize(
    "complaint",
    ["Error: inspecting object: x: image not known", "Error response from daemon: No such image: x:latest"],
)
def test_an_image_that_is_not_here_is_none(play, complaint):
    assert Engine("podman", str(play(image=(125, "[]", complaint)))).image("x") is None


def test_an_engine_that_does_not_answer_is_not_a_no(play):
    program = play(
        image=(1, "[]", "Cannot connect to the Docker daemon"), container=(1, "[]", "Cannot connect to the daemon")
    )
    engine = Engine("docker", str(program))

    for question in (engine.image, engine.state):
        with pytest.raises(EngineFailed, match="Cannot connect"):
            question("x")


def test_a_pull_that_fails_is_told_by_its_last_line(play):
    engine = Engine(
        "podman",
        str(play(image=(125, "", "image not known"), pull=(125, "Trying to pull x...\n", "Error: no route\n"))),
    )
    said = []

    with pytest.raises(EngineFailed, match="podman pull x: no route"):
        engine.obtain("x", said.append)
    assert said == ["Pulling image x with podman.", "Trying to pull x...", "Error: no route"]


def test_docker_s_reason_counts_and_not_what_it_could_not_do(play):
    complaint = (
        'Error response from daemon: exec: "x": executable file not found\nError: failed to start containers: c\n'
    )
    engine = Engine("docker", str(play("docker", start=(1, "", complaint))))

    with pytest.raises(EngineFailed, match='^docker: exec: "x": executable file not found$'):
        engine.start("c", Path("/"))


def test_a_container_is_read_in_the_words_of_both_engines(play):
    state = {"Status": "exited", "Running": False, "ExitCode": 3, "StartedAt": "2026-01-02T03:04:05.123456789Z"}
    state["FinishedAt"] = "0001-01-01T00:00:00Z"
    found = [{"Name": "/c", "State": state, "Config": {"Labels": {"a": "b"}}}]

    assert Engine("docker", str(play(container=(0, json.dumps(found), "")))).state("c") == State(
        name="c",
        is_running=False,
        was_started=True,
        code=3,
        start_time=datetime(2026, 1, 2, 3, 4, 5, 123456, UTC),
        labels={"a": "b"},
    )


def test_variables_with_lines_reach_the_engine_by_name_only(play):
    program = play(create=(0, "id", ""))

    Engine("podman", str(program)).create(["--env", "KEY", "image"], {"KEY": "two\nlines"})

    assert asked(program) == ["create --env KEY image"]
    assert "KEY=two\nlines" in Path(f"{program}.env").read_text()


# What a container gets


def test_values_of_variables_are_not_on_the_command_line(tmp_path):
    named = {}
    given = {"PASSWORD": "open sesame", "PEM": "-----\nline\n"}

    words = words_of(a_launch(tmp_path, variables=given), tmp_path, named=named)

    file = tmp_path / confinement.VARIABLES
    assert "sesame" not in words
    assert "--env PEM " in words
    assert named == {"PEM": "-----\nline\n"}
    assert "PASSWORD=open sesame\n" in file.read_text()
    assert "TRAINSHED_ATTEMPT=7@1\n" in file.read_text()
    assert file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(("name", "value"), [("HOME", "a\nb"), ("A B", "x"), ("", "x"), ("Z", "nul\0")])
def test_a_variable_that_cannot_be_passed_is_named(tmp_path, name, value):
    with pytest.raises(EngineFailed, match="variable"):
        words_of(a_launch(tmp_path, variables={name: value}), tmp_path)


def test_the_folders_of_an_attempt_are_where_they_are_here(tmp_path):
    launch = a_launch(tmp_path)
    (tmp_path / "buckets" / "data" / "x").mkdir(parents=True)
    (launch.mount / "data").mkdir(parents=True)
    (launch.mount / "data" / "x").symlink_to(tmp_path / "buckets" / "data" / "x")
    (launch.mount / "etc").symlink_to("/etc")
    (tmp_path / "ca").mkdir()
    (tmp_path / "ca" / "bundle.pem").touch()
    (tmp_path / "secrets").mkdir()
    variables = {"SSL_CERT_FILE": str(tmp_path / "ca" / "bundle.pem"), "X": str(tmp_path / "secrets")}

    words = words_of(a_launch(tmp_path, variables=variables), tmp_path).split()

    mounts = {word for word in words if word.startswith("type=bind")}
    folder, bucket, bundle = launch.folder, tmp_path / "buckets" / "data", tmp_path / "ca" / "bundle.pem"
    assert mounts == {
        f"type=bind,source={folder},target={folder}",
        f"type=bind,source={launch.mount},target=/gcs",
        f"type=bind,source={bucket},target={bucket},readonly",
        f"type=bind,source={bundle},target={bundle},readonly",
    }


def test_other_object_stores_are_where_the_executor_looks_for_them(tmp_path):
    words = words_of(a_launch(tmp_path, executor_input='{"uri": "s3://b/x"}'), tmp_path)

    assert f"source={tmp_path}/7/1/mount/.s3,target=/s3" in words


def test_limits_are_those_that_the_engine_can_keep(tmp_path):
    limits = Limits(cpus=0.5, memory_bytes=1 << 20)

    assert "--cpus 0.5 --memory 1048576 --memory-swap 1048576" in words_of(a_launch(tmp_path, limits=limits), tmp_path)
    assert "--cpus" not in words_of(a_launch(tmp_path, limits=limits), tmp_path, an_engine(controllers=("memory",)))


def test_the_network_is_the_user_s_to_choose(tmp_path):
    assert "--network host" in words_of(a_launch(tmp_path), tmp_path)
    assert "--network" not in words_of(a_launch(tmp_path), tmp_path, an_engine(options=("--network=none",)))


@pytest.mark.parametrize(
    ("engine", "image_user", "uid", "words"),
    [
        (an_engine(), "", 0, []),
        (an_engine(), "app", 0, []),
        (an_engine(is_rootless=True), "root", 1000, []),
        (an_engine(is_rootless=True), "65532:65533", 1000, ["--userns", "keep-id:uid=65532,gid=65533"]),
        (an_engine(is_rootless=True), "app", 1000, ["--userns", "keep-id"]),
        (an_engine("docker"), "", 1000, ["--user", "1000:100"]),
        (an_engine("docker", is_rootless=True), "app", 1000, ["--user", "0:0"]),
        (an_engine("docker", options=("--user=5",)), "", 1000, []),
    ],
)
def test_files_belong_to_whoever_runs_the_server(engine, image_user, uid, words):
    assert confinement._user(engine, image_user, uid=uid, gid=100) == words


def test_accelerators_are_asked_for_in_the_words_of_each_engine():
    assert confinement.accelerators(an_engine("docker"), ("0", "2")) == ["--gpus", '"device=0,2"']
    assert confinement.accelerators(an_engine(), ("1",)) == ["--device", "nvidia.com/gpu=1"]
    assert confinement.accelerators(an_engine(), ()) == []


def test_a_path_with_a_comma_is_one_path():
    assert confinement._bind(Path("/a,b"), "/c") == 'type=bind,"source=/a,b",target=/c'


# How it ended


@pytest.fixture
def end(tmp_path):
    def ended(code, *, cause="", memory_bytes=None, is_out_of_memory=False):
        launch = a_launch(tmp_path, limits=Limits(memory_bytes=memory_bytes))
        launch.folder.mkdir(parents=True, exist_ok=True)
        launch.log_file.write_text("what it said\n")
        private = tmp_path / "private"
        attempt = Attempt(
            facts=facts_of(launch, Share()), name="c", private=private, start_time=datetime(2026, 1, 1, tzinfo=UTC)
        )
        if cause:
            note(private, cause)
        state = State(name="c", is_running=False, was_started=True, code=code, is_out_of_memory=is_out_of_memory)
        return outcome_of(attempt, state)

    return ended


def test_the_code_of_a_signal_is_negative(end):
    assert end(3) == ExitedNonZero(code=3, message="what it said")
    assert end(143) == ExitedNonZero(code=-15, message="what it said")
    assert end(255) == ExitedNonZero(code=255, message="what it said")


def test_want_of_memory_is_told_with_the_limit(end):
    assert end(137, memory_bytes=10, is_out_of_memory=True) == OutOfMemory(limit_bytes=10)
    assert end(137, is_out_of_memory=True) == ExitedNonZero(code=-9, message="what it said")


@pytest.mark.parametrize(("cause", "outcome"), [(STOPPED, Stopped()), (LEASE_EXPIRED, LeaseLost())])
def test_why_it_was_ended_counts_more_than_how(end, cause, outcome):
    assert end(143, cause=cause) == outcome
    assert end(0, cause=cause) == outcome


def test_the_user_s_number_is_that_of_this_process(tmp_path):
    words = words_of(a_launch(tmp_path), tmp_path, an_engine("docker"))

    assert ("--user" in words) == (os.getuid() != 0)
