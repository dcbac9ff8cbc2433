"""Builds run for real: processes, workspace, log; environments and buckets are stand-ins."""

import os
import time
import tracemalloc
from datetime import timedelta

import pytest

from trainshed import testing
from trainshed.builds import processes
from trainshed.builds.testing import Workbench
from trainshed.errors import FailedPrecondition

BASH = "bash"


@pytest.fixture
def bench(tmp_path):
    with testing.database(tmp_path) as db:
        yield Workbench(tmp_path, db)


def bash(script, **more):
    return {"name": BASH, "script": script, **more}


def states(build):
    return [s.state for s in build.steps]


def test_s02_a_build_without_source_runs_in_an_empty_workspace(bench):
    build = bench.run(bench.submit(bash("ls -A | wc -l; pwd")))

    assert build.state == "SUCCESS"
    log = bench.log(build)
    assert "Step #0: 0\n" in log
    assert f"/builds/{build.build_id}/workspace" in log
    assert "FETCHSOURCE" not in log


def test_s14_steps_overlap_as_wait_for_says(bench):
    meet = "touch $$ME; for i in $(seq 500); do [ -e $$YOU ] && exit 0; sleep 0.02; done; exit 1"
    build = bench.submit(
        bash("echo cloned", id="clone"),
        bash(meet.replace("$$", "$"), id="image", waitFor=["clone"], env=["ME=a", "YOU=b"]),
        bash(meet.replace("$$", "$"), id="compile", waitFor=["clone"], env=["ME=b", "YOU=a"]),
    )

    build = bench.run(build)

    clone, image, compiled = build.steps
    assert states(build) == ["SUCCESS"] * 3
    assert max(image.start_time, compiled.start_time) < min(image.end_time, compiled.end_time)
    assert clone.end_time <= image.start_time


def test_s15_each_field_of_a_step_is_honoured(bench):
    build = bench.submit(
        bash("mkdir -p sub && echo content > sub/file"),
        {
            "name": "ubuntu",
            "id": "Look",
            "dir": "sub",
            "entrypoint": "bash",
            "env": ["A=of the step", "B=$_B"],
            "args": ["-c", 'echo "$$A/$$B/$$C"; cat file; cat /workspace/sub/file; echo $$HOME'],
        },
        options={"env": ["A=of all", "C=shared"]},
        substitutions={"_B": "b"},
    )

    build = bench.run(build)

    assert build.state == "SUCCESS"
    log = bench.log(build)
    assert 'Step #1 - "Look": of the step/b/shared\n' in log
    assert log.count('Step #1 - "Look": content\n') == 2
    assert 'Starting Step #1 - "Look"\n' in log


def test_home_and_volumes_last_from_step_to_step_and_builds_are_apart(bench):
    volumes = [{"name": "vol", "path": "/persist"}]
    steps = (
        bash("echo h > $HOME/kept; echo v > /persist/kept; echo b > /builder/home/too", volumes=volumes),
        bash("cat $HOME/kept $HOME/too /persist/kept", volumes=volumes),
    )

    first = bench.run(bench.submit(*steps))
    second = bench.run(bench.submit(bash("cat $HOME/kept")))

    assert first.state == "SUCCESS"
    assert "Step #1: h\nStep #1: b\nStep #1: v\n" in bench.log(first)
    assert second.state == "FAILURE"


def test_a_failing_step_fails_the_build_and_stops_the_others(bench):
    build = bench.submit(
        bash("sleep 60", id="long", waitFor=["-"]),
        bash("exit 3", id="bad", waitFor=["-"]),
        bash("echo never", id="next", waitFor=["bad"]),
    )

    build = bench.run(build)

    assert build.state == "FAILURE"
    assert states(build) == ["CANCELLED", "FAILURE", "CANCELLED"]
    assert build.steps[1].exit_code == 3
    assert build.failure == {"type": "USER_BUILD_STEP", "detail": build.status_detail}
    assert 'build step 1 "bash" failed: step exited with non-zero status: 3' in bench.log(build)
    assert "never" not in bench.log(build)


def test_the_reason_of_a_failure_is_the_last_line_that_the_step_wrote_and_the_status_detail_is_googles(bench):
    build = bench.run(bench.submit(bash("echo 'no module named keras'; echo; echo '  '; exit 3")))

    assert build.status_detail == 'build step 0 "bash" failed: step exited with non-zero status: 3'
    assert build.reason == 'build step 0 "bash" failed: no module named keras (step exited with non-zero status: 3)'
    assert build.failure["detail"] == build.status_detail
    assert f"ERROR: {build.status_detail}" in bench.log(build)


@pytest.mark.parametrize("allowed", [{"allowFailure": True}, {"allowExitCodes": [4, 5]}])
def test_a_tolerated_failure_keeps_its_own_status(bench, allowed):
    build = bench.run(bench.submit(bash("exit 5", **allowed), bash("echo on")))

    assert build.state == "SUCCESS"
    assert states(build) == ["FAILURE", "SUCCESS"]


def test_exit_codes_take_precedence_over_the_flag(bench):
    build = bench.run(bench.submit(bash("exit 6", allowFailure=True, allowExitCodes=[5])))

    assert build.state == "FAILURE"


def _is_gone(build):
    return not processes.find(f"{build.build_id}/")


HIDING = "setsid nohup sleep 300 >/dev/null 2>&1 & (sleep 301 &) ; trap '' TERM; echo up; sleep 302"


def test_s06_the_timeout_ends_the_whole_process_tree(bench):
    build = bench.run(bench.submit(bash(HIDING), timeout="1s"))

    assert build.state == "TIMEOUT"
    assert states(build) == ["CANCELLED"]
    assert _is_gone(build)


def test_a_step_has_a_timeout_of_its_own(bench):
    build = bench.run(bench.submit(bash("sleep 60", timeout="0.3s")))

    assert build.state == "FAILURE"
    assert states(build) == ["TIMEOUT"]


def test_cancelling_ends_the_whole_process_tree(bench):
    asked = []

    def cancel_once(build, log):
        if "Step #0: up" in log and not asked:
            asked.append(bench.service.cancel(build.build_id))

    build = bench.run(bench.submit(bash(HIDING)), meanwhile=cancel_once)

    assert build.state == "CANCELLED"
    assert states(build) == ["CANCELLED"]
    assert _is_gone(build)
    with pytest.raises(FailedPrecondition, match="nothing to cancel"):
        bench.service.cancel(build.build_id)


def test_a_daemon_that_a_step_leaves_behind_ends_with_it(bench):
    build = bench.run(bench.submit(bash("setsid sleep 300 & echo started")))

    assert build.state == "SUCCESS"
    assert _is_gone(build)


def test_the_log_streams_while_a_step_runs_and_is_kept_in_the_bucket(bench):
    seen = []

    def look(build, log):
        if "Step #0: early" in log and build.state == "WORKING" and build.steps[0].state == "WORKING":
            seen.append(build.steps[0].start_time)
            (bench.service.workspace(build.build_id).workspace / "go").touch()

    build = bench.run(
        bench.submit(bash("echo early; while [ ! -e go ]; do sleep 0.02; done; printf late")), meanwhile=look
    )

    assert build.state == "SUCCESS"
    assert seen
    bucket = "100000000001.cloudbuild-logs.googleusercontent.com"
    assert build.log_uri == f"gs://{bucket}/log-{build.build_id}.txt"
    kept = (bench.folder / "buckets" / bucket / f"log-{build.build_id}.txt").read_text()
    assert kept == bench.log(build)
    assert kept.startswith(f'starting build "{build.build_id}"\n\nBUILD\n')
    assert "Step #0: late\n" in kept
    assert kept.endswith("DONE\n")
    assert set(build.timing) == {"BUILD"}


def test_a_log_flood_is_cut_and_the_build_goes_on(tmp_path):
    with testing.database(tmp_path) as db:
        bench = Workbench(tmp_path, db, log_bytes=100_000)
        build = bench.run(bench.submit(bash("yes | head -c 3000000; echo end > done"), bash("cat done")))

        assert build.state == "SUCCESS"
        assert len(bench.log(build)) < 300_000
        assert "is dropped" in bench.log(build)


def test_secrets_reach_the_step_and_never_the_log(bench):
    folder = bench.folder / "secrets"
    folder.mkdir()
    (folder / "token").write_text("s3cret-v4lue\n")
    (folder / "token").chmod(0o600)
    secrets = {"secretManager": [{"versionName": "projects/$PROJECT_ID/secrets/token/versions/latest", "env": "TOKEN"}]}
    step = bash(
        'echo "it is $TOKEN"; [ "$TOKEN" = s3cret-v4lue ]; printf "s3cr"; sleep 0.1; echo "et-v4lue"',
        secretEnv=["TOKEN"],
    )

    build = bench.run(bench.submit(step, availableSecrets=secrets))

    assert build.state == "SUCCESS"
    assert "it is ****" in bench.log(build)
    assert "s3cret-v4lue" not in bench.log(build)


def test_a_secret_that_others_may_read_is_refused(bench):
    folder = bench.folder / "secrets"
    folder.mkdir()
    (folder / "token").write_text("x")
    (folder / "token").chmod(0o644)
    secrets = {"secretManager": [{"versionName": "projects/p/secrets/token/versions/1", "env": "TOKEN"}]}

    build = bench.run(bench.submit(bash("true", secretEnv=["TOKEN"]), availableSecrets=secrets))

    assert build.state == "FAILURE"
    assert "chmod 600" in build.status_detail


def test_an_unknown_image_fails_before_anything_runs_with_the_ways_out(bench):
    build = bench.run(bench.submit(bash("echo ran"), {"name": "gcr.io/p/unknown", "args": ["x"]}))

    assert build.state == "FAILURE"
    assert "gcr.io/p/unknown" in build.status_detail
    assert "trainshed images bind gcr.io/p/unknown" in build.status_detail
    assert "Step #0: ran" not in bench.log(build)


def test_the_output_of_a_step_is_kept(bench):
    build = bench.run(bench.submit(bash("echo -n result > $BUILDER_OUTPUT/output")))

    assert build.steps[0].output == "cmVzdWx0"


def test_artifacts_are_uploaded_with_a_manifest(bench):
    build = bench.run(
        bench.submit(
            bash("mkdir out; echo a > out/a.json; echo b > out/b.json"),
            artifacts={"objects": {"location": "gs://bucket/models", "paths": ["out/*.json"]}},
        )
    )

    assert build.state == "SUCCESS"
    assert (bench.folder / "buckets/bucket/models/b.json").read_text() == "b\n"
    assert build.results["numArtifacts"] == "2"
    assert build.results["artifactManifest"] == f"gs://bucket/models/artifacts-{build.build_id}.json"


def test_artifacts_that_no_file_matches_fail_the_build(bench):
    objects = {"objects": {"location": "gs://bucket/", "paths": ["*.whl"]}}

    build = bench.run(bench.submit(bash("true"), artifacts=objects))

    assert (build.state, build.failure["type"]) == ("FAILURE", "PUSH_FAILED")


def test_a_pattern_of_artifacts_that_is_none_fails_the_build_with_its_reason(bench):
    objects = {"objects": {"location": "gs://bucket/", "paths": ["**.whl"]}}

    build = bench.run(bench.submit(bash("true"), artifacts=objects))

    assert (build.state, build.failure["type"]) == ("FAILURE", "PUSH_FAILED")
    assert "artifacts.objects.paths: '**.whl' is no pattern" in build.status_detail


def test_an_artifact_may_be_larger_than_memory(bench):
    objects = {"objects": {"location": "gs://bucket/", "paths": ["model"]}}
    build_id = bench.submit(bash("truncate -s 64M model"), artifacts=objects)

    tracemalloc.start()
    try:
        build = bench.run(build_id)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert build.state == "SUCCESS"
    assert peak < 32 << 20


DOCKERFILE = "FROM python:3.11\nRUN mkdir -p utils\nWORKDIR /app\nCOPY utils/* ./utils/\nENV MODE=fast\n"


def _docker_steps(image):
    return (
        bash(f"mkdir -p utils; echo 'VALUE = 7' > utils/__init__.py; printf '{DOCKERFILE}' > Dockerfile"),
        {"name": "gcr.io/cloud-builders/docker", "args": ["build", "-t", image, "."]},
        {
            "name": image,
            "entrypoint": "python",
            "args": ["-c", "import utils, os; print(utils.VALUE, os.environ['MODE'])"],
        },
    )


def test_s10_s13_s16_an_image_without_an_engine_is_an_environment_and_a_snapshot(bench):
    image = "gcr.io/p/trainer:1"
    script = _docker_steps(image)
    document = {"images": [image]}

    first = bench.run(bench.submit(*script, **document))
    second = bench.run(bench.submit(*script, **document))

    assert first.state == "SUCCESS", bench.log(first)
    assert "Step #2: 7 fast\n" in bench.log(first)
    assert "Successfully built: sha256:" in bench.log(first)
    assert "not an OCI image" in bench.log(first)
    assert first.results["images"] == second.results["images"]
    assert first.results["images"][0]["digest"].startswith("sha256:")
    assert "Unchanged, reused" in bench.log(second)
    assert set(first.timing) == {"BUILD", "PUSH"}


def test_s13_an_image_that_no_step_built_fails_the_push(bench):
    build = bench.run(bench.submit(bash("true"), images=["gcr.io/p/missing"]))

    assert (build.state, build.failure["type"]) == ("FAILURE", "PUSH_IMAGE_NOT_FOUND")


def test_a_dockerfile_line_that_needs_an_engine_fails_the_step_naming_it(bench):
    build = bench.run(
        bench.submit(
            bash("printf 'FROM python:3.11\\nRUN apt-get update\\n' > Dockerfile"),
            {"name": "gcr.io/cloud-builders/docker", "args": ["build", "-t", "x", "."]},
        )
    )

    assert build.state == "FAILURE"
    assert "line 2: RUN apt-get update needs a container engine" in bench.log(build)


def test_s67_a_step_acts_as_its_build_and_a_run_that_it_starts_has_the_build_as_cause(bench):
    causes = []

    def ask(build, log):
        if "Step #0: build-" in log and not causes:
            causes.append(bench.service.cause_of(build.principal))
            (bench.service.workspace(build.build_id).workspace / "go").touch()

    build = bench.run(bench.submit(bash("echo $WHO; while [ ! -e go ]; do sleep 0.02; done")), meanwhile=ask)

    assert causes[0].key == build.build_id
    assert (causes[0].kind, causes[0].trigger) == ("build", build.trigger)
    assert bench.service.cause_of(build.principal) is None
    assert bench.service.cause_of("someone@else") is None


def test_s65_a_failing_unit_test_stops_the_build(bench):
    build = bench.run(bench.submit(bash("exit 1", id="pytest"), bash("echo built", id="image")))

    assert build.state == "FAILURE"
    assert states(build) == ["FAILURE", "CANCELLED"]


def test_a_build_of_a_crashed_server_is_lost_honestly_and_its_processes_end(tmp_path):
    with testing.database(tmp_path) as db:
        crashed = Workbench(tmp_path, db)
        build = crashed.submit(bash("true"))
        waiting = crashed.submit(bash("echo later"))
        crashed.service.reports.start(build.build_id)
        pid = os.posix_spawn("/bin/sleep", ["sleep", "300"], {**os.environ, processes.MARK: f"{build.build_id}/0"})
        bench = Workbench(tmp_path, db)

        ended = bench.run(waiting)
        os.waitpid(pid, 0)

        lost = bench.service.get(build.build_id)
        assert (lost.state, lost.steps[0].state) == ("INTERNAL_ERROR", "CANCELLED")
        assert "submit it again" in lost.status_detail
        assert ended.state == "SUCCESS"


def test_a_build_that_waits_too_long_expires(tmp_path, clock):
    with testing.database(tmp_path) as db:
        bench = Workbench(tmp_path, db, clock=clock)
        build = bench.submit(bash("true"), queueTtl="3600s")
        bench.service.reports.expire()
        before = bench.service.get(build.build_id).state
        clock.advance(timedelta(hours=2).total_seconds())
        bench.service.reports.expire()

        assert (before, bench.service.get(build.build_id).state) == ("QUEUED", "EXPIRED")


def test_listing_filters_and_pages(bench):
    made = [bench.submit(bash(f"echo {n}")) for n in range(5)]

    page, token = bench.service.list(project="p", limit=2)
    rest, end = bench.service.list(project="p", limit=10, page_token=token)

    assert [b.build_id for b in (*page, *rest)] == [b.build_id for b in reversed(made)]
    assert end == ""
    assert len(bench.service.list(filter_text='status="QUEUED"')[0]) == 5
    assert bench.service.list(filter_text='status="SUCCESS"')[0] == ()


def test_retry_queues_the_same_document(bench):
    first = bench.submit(bash("true"), {"name": "bash", "args": ["echo", "$_A"]}, substitutions={"_A": "1"})

    again = bench.service.retry(first.build_id)

    assert again.build_id != first.build_id
    assert again.resolved == first.resolved


def test_a_step_costs_little_more_than_its_process(bench):
    start = time.monotonic()
    build = bench.run(bench.submit(*[{"name": "bash", "args": ["true"]} for _ in range(20)]))

    assert build.state == "SUCCESS"
    assert time.monotonic() - start < 100  # not a measure of speed: it must not hang


def test_what_a_step_cloned_is_kept_and_is_no_field_of_google(bench, tmp_path):
    origin = tmp_path / "origin"
    who = "-c user.name=n -c user.email=e@example.com"
    build = bench.run(
        bench.submit(
            bash(
                f"git init -q -b main {origin} && git -C {origin} {who} commit -q --allow-empty -m first"
                f" && git clone -q file://{origin} code && git -C code rev-parse HEAD > head.txt && cat head.txt"
            )
        )
    )

    (clone,) = build.clones
    assert (clone.path, clone.repository) == ("code", f"file://{origin}")
    assert f"Step #0: {clone.commit}\n" in bench.log(build)
    assert "clones" not in build.results
