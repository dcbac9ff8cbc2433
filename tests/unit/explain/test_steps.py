"""The steps of an account."""

import base64
import json
import math
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from trainshed import costs
from trainshed.explain import as_json, differences, events
from trainshed.explain import builds as of_builds
from trainshed.explain import runs as of_runs
from trainshed.explain.fate import Node
from trainshed.explain.model import Account, Commit, Named, Ran, Step
from trainshed.ledger import Receipt
from trainshed.lineage import Output as Made
from trainshed.lineage import Outputs
from trainshed.runners.contract import ExitedNonZero, OutOfMemory, TimedOut
from trainshed.runs.engine import ended
from trainshed.tally import Tally

_NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
_P = "projects/p/locations/l"


def a_receipt(kind, stimulus, *, data=None, trigger=f"{_P}/functions/start", state="STARTED", receipt_id="r1", link=""):
    return Receipt(
        receipt_id=receipt_id, trigger=trigger, kind=kind, stimulus=stimulus, state=state, reason="", link=link,
        parent_id="", data=data or {}, create_time=_NOW, update_time=_NOW,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("receipt", "says"),
    [
        (
            a_receipt("message", "projects/p/subscriptions/s#7", data={"topic": "projects/p/topics/train"}),
            "Message 7 was published to topic train.",
        ),
        (a_receipt("firing", "forced/2026/x", trigger=f"{_P}/jobs/hourly"), "Schedule hourly was fired by hand."),
        (
            a_receipt("firing", "2026-01-31T12:00:00Z", trigger=f"{_P}/jobs/hourly"),
            "Schedule hourly was due at 2026-01-31 12:00:00 UTC.",
        ),
        (
            a_receipt("object", "s#1", data={"attributes": {"bucketId": "b", "objectId": "d/x.csv"}}),
            "Gs://b/d/x.csv was written.",
        ),
        (
            a_receipt("commit", "r@m@1", data={"sha": "0123456789", "ref": "refs/heads/main"}),
            "Commit 0123456 came to main.",
        ),
        (a_receipt("webhook", "d-1"), "Start got a webhook."),
    ],
)
def test_an_event_is_told_in_a_sentence(receipt, says):
    assert events.event(receipt).says.casefold() == says.casefold()


def test_a_message_is_shown_as_text_and_bytes_by_their_number():
    assert events.text_of(base64.b64encode(b'{"epochs": 3}').decode()) == '{"epochs": 3}'
    assert events.text_of(base64.b64encode(bytes([255, 254, 0])).decode()) == "3 bytes"
    assert events.text_of("%%") == "1 bytes"
    assert len(events.text_of(base64.b64encode(b"x" * 5000).decode())) == 401


def test_the_event_of_a_commit_says_what_it_says_of_itself():
    commit = Commit(
        repository="r", sha="0123456789", message="Widen", author="A", time="T", since="9" * 40, files=("a", "b")
    )

    facts = dict(events.event(a_receipt("commit", "x", data={"sha": "0123456789", "ref": "main"}), commit).facts)

    assert (facts["Says"], facts["By"], facts["On"]) == ("Widen", "A", "T")
    assert facts["Files changed since 9999999"] == "a, b"


def test_what_followed_is_a_tree_in_rows():
    leaf = Node(receipt=a_receipt("message", "s#2", receipt_id="r3", link=f"{_P}/pipelineJobs/j"))
    node = Node(receipt=a_receipt("firing", "t"), children=[Node(receipt=a_receipt("message", "s#1"), children=[leaf])])

    step = events.followed(node)

    assert step is not None
    assert [row[1] for row in step.rows] == ["message", "· message"]
    assert events.followed(leaf) is None


def test_decisions_count_what_ran_and_what_was_reused():
    tasks = [
        Ran(task="a", state="SKIPPED", why="same", seconds=0.0, reused_from=f"{_P}/pipelineJobs/old"),
        Ran(task="b", state="SUCCEEDED", why="changed: artifact data", seconds=3.0),
        Ran(task="c", state="FAILED", why="", seconds=1.0, error="KeyError: 'x'"),
    ]

    step = of_runs.decisions(tasks, Tally(ran=2, reused=1, left_out=1))

    assert step is not None
    assert step.says == "2 tasks ran, 1 reused, 1 left out."
    assert [row[2] for row in step.rows] == ["same", "changed: artifact data", "KeyError: 'x'"]


def test_a_verdict_says_what_was_left_out_because_of_it():
    made = [Made(artifact="1", name="evaluation", type="system.Metrics", uri="", task="e", is_reused=False,
                 metadata={"verdict": "accuracy 0.5 misses 0.6"})]  # fmt: skip
    left = [Ran(task="push", state="NOT_TRIGGERED", why="its condition does not hold", seconds=None)]

    step = of_runs.verdict(made, left)

    assert step is not None
    assert step.says == "Accuracy 0.5 misses 0.6; push was left out."
    assert of_runs.verdict([], left) is None


def test_an_account_is_json_with_names_to_follow():
    step = of_runs.decisions(
        [Ran(task="a", state="SKIPPED", why="same", seconds=None, reused_from=f"{_P}/pipelineJobs/o")],
        Tally(reused=1),
    )
    account = Account(kind="run", name="n", title="t", state="SUCCEEDED", says="s", steps=[step] if step else [],
                      before=Named(text="run o", name=f"{_P}/pipelineJobs/o"))  # fmt: skip

    document = as_json(account)

    assert document["steps"][0]["rows"][0][3] == {"text": "run o", "name": f"{_P}/pipelineJobs/o"}
    assert document["before"] == f"{_P}/pipelineJobs/o"


def test_the_parts_of_a_cost_add_up_to_the_whole():
    parts = {"train": costs.Cost(currency="USD", cloud=0.0004)}

    rows = of_runs.cost(costs.Cost(currency="USD", cloud=0.0304, parts=parts)).rows

    assert rows == [("train", "0", "0.000400"), ("the run itself", "0", "0.030000")]


def a_model(**metadata):
    return Made(
        artifact="1", name="model", type="system.Model", uri="", task="train", is_reused=False, metadata=metadata
    )


def test_a_training_that_diverged_is_explained_and_its_account_is_json():
    before = Named(text="run o", name=f"{_P}/pipelineJobs/o")
    model = a_model(accuracy=0.44, loss=math.nan, val_loss=math.inf)

    steps = [
        of_runs.made(Outputs(count=1, first=[model], telling=[model])),
        of_runs.compared(before, [], differences.measures({"model": {"loss": 0.1}}, {"model": model.metadata})),
        Step(id="x", heading="x", says="x", facts=[("loss", math.nan)], columns=("y",), rows=[(-math.inf,)]),
    ]
    account = Account(kind="run", name="n", title="t", state="SUCCEEDED", says="s", steps=steps)

    assert "model loss is nan, model val_loss is inf" in steps[0].says
    assert steps[0].rows[0][5] == "accuracy 0.44, loss nan, val_loss inf"
    assert steps[1].facts == [("model loss", "0.1 → nan")]
    document = json.loads(json.dumps(as_json(account), allow_nan=False))
    assert document["steps"][2]["facts"][0]["value"] == "NaN"
    assert document["steps"][2]["rows"] == [["-Infinity"]]


def test_the_answer_says_what_is_no_number():
    run = SimpleNamespace(state="SUCCEEDED", is_needless=False)

    said = of_runs.answer(run, Tally(ran=1), [], "", [a_model(loss=math.nan)])

    assert said == "It succeeded. Its model loss is nan, no number: a training that diverges ends like that."


def a_failed_run(**parameters):
    return SimpleNamespace(name=f"{_P}/pipelineJobs/r", state="FAILED", is_needless=False, parameters=parameters)


def a_failed_task(outcome):
    return Ran(task="train", state="FAILED", why="", seconds=1.0, error=ended._words(outcome)[1])


def test_a_failed_run_goes_on_or_begins_anew_with_another_value():
    found = of_runs.advice(a_failed_run(target="heigth"), [a_failed_task(ExitedNonZero(code=1, message="KeyError"))])

    assert [(a.text, a.command) for a in found] == [
        ("Read what the failed task wrote", "trainshed pipelines logs r --task train"),
        (
            "Once that is mended, go on from there, with the same pipeline and parameters",
            "trainshed pipelines retry r",
        ),
        ("Or run it again with another parameter", "trainshed pipelines clone r --parameter NAME=VALUE"),
    ]


@pytest.mark.parametrize("outcome", [OutOfMemory(limit_bytes=512_000_000), TimedOut(timeout_seconds=3)])
def test_a_task_that_ran_into_its_limit_is_not_just_retried(outcome):
    found = of_runs.advice(a_failed_run(), [a_failed_task(outcome)])

    assert [a.command for a in found] == ["trainshed pipelines logs r --task train", ""]
    assert found[1].text == (
        "A retry has the same limit: raise it in the pipeline, compile and upload that, and start a run of it"
    )


def a_build(**given):
    made = {"build_id": "0123456789", "state": "FAILURE", "reason": "step 0 failed", "approval": {}, "is_final": True}
    return SimpleNamespace(**made | {"substitutions": {}, "trigger": ""} | given)


def test_a_build_says_in_a_sentence_of_its_own_why_it_was_started():
    why = "started build 01234567 because commit 648dd1c (the ref matches)"

    assert of_builds.answer(a_build(), why) == (
        "It failed: step 0 failed. It was started because commit 648dd1c (the ref matches)."
    )
    assert of_builds.answer(a_build(), "replayed by hand") == "It failed: step 0 failed. Replayed by hand."
    assert of_builds.answer(a_build(state="SUCCESS"), "") == "It succeeded."


def test_a_build_of_a_commit_is_mended_by_another_commit():
    pushed = a_build(trigger=f"{_P}/triggers/on-push", substitutions={"COMMIT_SHA": "648dd1c0"})

    assert [(a.text, a.command) for a in of_builds.advice(pushed)][1:] == [
        ("Once what it says is mended, push: on-push builds the new commit", ""),
        ("Or build the same commit again", "trainshed builds retry 0123456789"),
    ]
    assert [a.command for a in of_builds.advice(a_build())][1:] == ["trainshed builds retry 0123456789"]


@pytest.mark.parametrize(
    ("pauses", "took"),
    [(None, "1 min 30 s"), ([["2026-01-31T12:00:02Z", "2026-01-31T12:01:02Z"]], "30.0 s, and 1 min 0 s of pauses")],
)
def test_a_run_took_as_long_as_it_was_at_work(pauses, took):
    run = SimpleNamespace(
        name=f"{_P}/pipelineJobs/r", state="SUCCEEDED", pipeline="p", spec_digest="d", template_uri="", origin="", error="",
        create_time=_NOW, start_time=_NOW, end_time=_NOW + timedelta(seconds=90), pauses=pauses, parameters={},
    )  # fmt: skip

    assert dict(of_runs.run(run, Tally(ran=1)).facts)["Duration"] == took
