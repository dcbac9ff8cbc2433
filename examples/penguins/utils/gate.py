"""Whether a trained model may replace the one that is served."""


class ModelRefused(Exception):
    """The model may not be pushed; the message says why."""


def check(*, accuracy: float, min_accuracy: float, baseline_accuracy: float | None, max_drop: float) -> str:
    """Answer why the model is blessed. Raises ModelRefused.

    Without a model in the serving directory, as in a first run, there is no baseline and the threshold alone decides.
    """
    if accuracy < min_accuracy:
        raise ModelRefused(
            f"The model is not pushed: its accuracy of {accuracy:.3f} is below the threshold of {min_accuracy:.3f}."
        )
    if baseline_accuracy is None:
        return f"accuracy {accuracy:.3f} reaches {min_accuracy:.3f}, and no model is served yet"
    if accuracy < baseline_accuracy - max_drop:
        raise ModelRefused(
            f"The model is not pushed: its accuracy of {accuracy:.3f} is more than {max_drop:.3f} below the "
            f"{baseline_accuracy:.3f} that the served model reaches on the same rows."
        )
    return f"accuracy {accuracy:.3f} against {baseline_accuracy:.3f} of the served model on the same rows"
