"""A containerised component: its function stays in the image, with a module beside it."""

from beside import greeting
from kfp import dsl


@dsl.component(base_image="python:3.11", target_image="example.com/own/app:1")
def greet(who: str, data: dsl.Output[dsl.Dataset]) -> str:
    with open(data.path, "w") as file:
        file.write(who)
    return greeting(who)


@dsl.pipeline
def greetings() -> list:
    with dsl.ParallelFor(["a", "b"]) as who:
        made = greet(who=who)
    return dsl.Collected(made.outputs["Output"])
