"""What tasks say in numbers of what they made has one name wherever it is shown."""

from types import SimpleNamespace

from trainshed.runs import measuring, metrics


def product(task, key, title="system.Metrics", **metadata):
    return SimpleNamespace(task=task, key=key, artifact=SimpleNamespace(schema_title=title, metadata=metadata))


def named(*made):
    return {metric.label: metric.value for metric in metrics(made)}


def test_a_metric_is_called_after_its_task():
    assert named(product("train", "metrics", accuracy=0.9, note="good", deep=True)) == {
        "train: accuracy": 0.9, "train: note": "good", "train: deep": True,
    }  # fmt: skip


def test_a_metric_that_several_outputs_of_a_task_have_is_called_after_its_output_too():
    made = [
        product("train", "on_training", accuracy=0.9, loss=0.1),
        product("train", "on_validation", accuracy=0.8),
        product("train", "model", "system.Model", accuracy=0.7, layers=3),
        product("evaluate", "metrics", accuracy=0.6),
    ]

    assert named(*made) == {
        "train, on_training: accuracy": 0.9,
        "train: loss": 0.1,
        "train, on_validation: accuracy": 0.8,
        "train, model: accuracy": 0.7,
        "train: layers": 3,
        "evaluate: accuracy": 0.6,
    }
    assert measuring.numbers(made) == named(*made)


def test_what_an_output_says_again_takes_the_place_of_what_it_said_before():
    assert named(product("t", "m", loss=2), product("t", "m", loss=1)) == {"t: loss": 1}


def test_curves_and_what_others_than_metrics_and_models_say_are_left_out():
    made = [
        product("t", "c", "system.ClassificationMetrics", confusionMatrix={"rows": []}, auc=0.5),
        product("t", "d", "system.Dataset", rows=7),
        product("t", "m", "system.Model", framework="none", deep=True, size=1.5),
    ]

    assert named(*made) == {"t: auc": 0.5, "t: size": 1.5}


def test_numbers_of_a_run_are_none_of_a_loops_iterations_and_no_words():
    made = [product("loop[0].train", "m", loss=1), product("train", "m", loss=1, note="x", deep=True)]

    assert measuring.numbers(made) == {"train: loss": 1.0}
    assert set(named(*made)) == {"loop[0].train: loss", "train: loss", "train: note", "train: deep"}
