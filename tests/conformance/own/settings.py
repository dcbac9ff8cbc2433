"""What is set on a task: environment variables, secrets, resources, names to show, caching; what changes nothing here."""

from typing import List, NamedTuple

from kfp import dsl

CASES = [
    # Variables of the task, with text as it is; a later setting counts; other tasks do not see them.
    {
        "pipeline": "variables",
        "outputs": {"set": 'a b="c" $HOME', "twice": "second", "other": "unset"},
    },
    # Secrets as variables, from the files of the local provider.
    {
        "pipeline": "secret_as_variable",
        "platform": {
            "exec-variable": {
                "secretAsEnv": [
                    {
                        "secretName": "database",
                        "secretNameParameter": {"runtimeValue": {"constant": "database"}},
                        "keyToEnv": [{"secretKey": "password", "envVar": "DB_PASSWORD"}],
                    }
                ]
            }
        },
        "secrets": {"database": {"password": "hunter2"}},
        "outputs": {"Output": "hunter2"},
    },
    # A secret that is not there is refused by name, unless it is optional.
    {
        "pipeline": "secret_as_variable",
        "platform": {
            "exec-variable": {
                "secretAsEnv": [
                    {"secretName": "nowhere", "keyToEnv": [{"secretKey": "password", "envVar": "DB_PASSWORD"}]}
                ]
            }
        },
        "ends": "REFUSED",
        "says": "variable.*nowhere|nowhere.*variable",
    },
    {
        "pipeline": "secret_as_variable",
        "platform": {
            "exec-variable": {
                "secretAsEnv": [
                    {
                        "secretName": "nowhere",
                        "optional": True,
                        "keyToEnv": [{"secretKey": "password", "envVar": "DB_PASSWORD"}],
                    }
                ]
            }
        },
        "outputs": {"Output": "unset"},
    },
    # Volumes need Kubernetes: refused, naming the task and the feature.
    {
        "pipeline": "secret_as_variable",
        "platform": {"exec-variable": {"pvcMount": [{"mountPath": "/data", "constant": "claim"}]}},
        "ends": "REFUSED",
        "says": "variable.*pvcMount|pvcMount.*variable",
    },
    # What only says where a pod goes changes nothing.
    {
        "pipeline": "secret_as_variable",
        "platform": {
            "exec-variable": {
                "nodeSelector": {"labels": {"disk": "ssd"}},
                "tolerations": [{"key": "k", "operator": "Exists"}],
                "imagePullPolicy": "Always",
                "podMetadata": {"labels": {"a": "b"}},
            }
        },
        "outputs": {"Output": "unset"},
    },
    # Requests are read in every spelling, and from inputs and outputs at run time.
    {
        "pipeline": "resources",
        "arguments": {"cpu": "1500m", "memory": "512Mi"},
        "asked": {
            "say": [0.5, 2000000000],
            "say-2": [1.0, 1073741824],
            "say-3": [1.5, 536870912],
            "say-4": [0.25, 0],
        },
    },
    # Fractions of a core add up: the machine runs what it has room for, in the end all.
    {"pipeline": "many_small", "outputs": {"Output": 20}},
    # Names to show are shown; references go by the task's own name.
    {"pipeline": "shown_names", "outputs": {"Output": "first"}, "ran": {"say": 1, "say-2": 1}},
    # The second run does nothing: the same component with the same inputs.
    {
        "pipeline": "cached",
        "runs": [
            {
                "arguments": {"file": "${TMP}/count", "n": 1},
                "outputs": {"Output": 2},
                "ran": {"counted": 1, "double": 1},
            },
            {"arguments": {"file": "${TMP}/count", "n": 1}, "outputs": {"Output": 2}, "ran": {}},
            # Another input: what depends on it runs again.
            {
                "arguments": {"file": "${TMP}/count", "n": 2},
                "outputs": {"Output": 4},
                "ran": {"counted": 1, "double": 1},
            },
            # For a run the cache can be put aside.
            {
                "arguments": {"file": "${TMP}/count", "n": 1},
                "options": ["--no-caching"],
                "outputs": {"Output": 2},
                "ran": {"counted": 1, "double": 1},
            },
        ],
        "files": {"${TMP}/count": "xxx"},
    },
    # A task that says so runs every time; what it gives is the same, so what follows is reused.
    {
        "pipeline": "cached_in_part",
        "runs": [
            {"arguments": {"file": "${TMP}/count"}, "ran": {"counted": 1, "double": 1}},
            {"arguments": {"file": "${TMP}/count"}, "ran": {"counted": 1}},
        ],
        "files": {"${TMP}/count": "xx"},
    },
    # A key of one's own: whatever the inputs are.
    {
        "pipeline": "cached_by_key",
        "runs": [
            {"arguments": {"n": 1}, "outputs": {"Output": 2}, "ran": {"double": 1}},
            {"arguments": {"n": 5}, "outputs": {"Output": 2}, "ran": {}},
        ],
    },
    # Artifacts count by content: made anew with the same content, what reads them is reused; also in loops.
    {
        "pipeline": "cached_by_content",
        "runs": [
            {
                "arguments": {"texts": ["a", "b"], "nonce": 1},
                "outputs": {"Output": [1, 1]},
                "ran": {"for-loop-1[*]/write": 2, "for-loop-1[*]/length": 2},
            },
            {
                "arguments": {"texts": ["a", "b"], "nonce": 2},
                "outputs": {"Output": [1, 1]},
                "ran": {"for-loop-1[*]/write": 2},
            },
            {
                "arguments": {"texts": ["a", "b", "cc"], "nonce": 2},
                "outputs": {"Output": [1, 1, 2]},
                "ran": {"for-loop-1[*]/write": 1, "for-loop-1[*]/length": 1},
            },
        ],
    },
    # Equal tasks of one run all run, one after the other or at once; the next run reuses all.
    {
        "pipeline": "cached_equals",
        "runs": [
            {
                "arguments": {"file": "${TMP}/count"},
                "outputs": {"Output": [1, 1]},
                "ran": {"counted": 1, "for-loop-2[*]/counted-2": 2},
            },
            {"arguments": {"file": "${TMP}/count"}, "outputs": {"Output": [1, 1]}, "ran": {}},
        ],
        "files": {"${TMP}/count": "xxx"},
    },
    # A failed task is never reused.
    {
        "pipeline": "cached_failure",
        "runs": [
            {"arguments": {"file": "${TMP}/count"}, "ends": "FAILED", "ran": {"fail-once": 1}},
            {"arguments": {"file": "${TMP}/count"}, "outputs": {"Output": "done"}, "ran": {"fail-once": 1}},
            {"arguments": {"file": "${TMP}/count"}, "outputs": {"Output": "done"}, "ran": {}},
        ],
    },
    # Packages of a component are there for it, and only for it; two components may want different versions.
    {
        "pipeline": "packages",
        "outputs": {"one": "24.0", "other": "23.2"},
    },
    # Functions that come along with a component.
    {"pipeline": "more_functions", "outputs": {"Output": "helped x"}},
    # Values that a parameter may have are checked before anything runs, and where a task gives one.
    {"pipeline": "literals", "arguments": {"size": "small", "n": 1}, "outputs": {"Output": "small"}},
    {"pipeline": "literals", "arguments": {"size": "huge", "n": 1}, "ends": "REFUSED", "says": "size.*huge.*small"},
]
EDITS = {
    "literals": {  # kfp writes them from 2.17 on
        "root.inputDefinitions.parameters.size.literals": ["small", "large"],
        "components.comp-say.inputDefinitions.parameters.text.literals": ["small", "large"],
    },
    "cached_by_key": {"root.dag.tasks.double.cachingOptions.cacheKey": "mine"},
}


@dsl.component
def variable(name: str) -> str:
    import os

    return os.environ.get(name, "unset")


@dsl.component
def say(text: str = "") -> str:
    return text


@dsl.component
def one() -> int:
    return 1


@dsl.component
def add_all(values: list) -> int:
    return sum(values)


@dsl.component
def counted(file: str, n: int) -> int:
    with open(file, "a") as out:
        out.write("x")
    return n


@dsl.component
def double(n: int) -> int:
    return n * 2


@dsl.component
def write(text: str, nonce: int, data: dsl.Output[dsl.Dataset]):
    with open(data.path, "w") as file:
        file.write(text)


@dsl.component
def length(data: dsl.Input[dsl.Dataset]) -> int:
    with open(data.path) as file:
        return len(file.read())


@dsl.component
def fail_once(file: str) -> str:
    import os

    if not os.path.exists(file):
        with open(file, "w") as out:
            out.write("x")
        raise ValueError("once")
    return "done"


@dsl.component(packages_to_install=["packaging==24.0"])
def newer() -> str:
    import packaging

    return packaging.__version__


@dsl.component(packages_to_install=["packaging==23.2"])
def older() -> str:
    import packaging

    return packaging.__version__


def assist(text: str) -> str:
    return f"helped {text}"


@dsl.component(additional_funcs=[assist])
def helped(text: str) -> str:
    return assist(text)


@dsl.pipeline
def variables() -> NamedTuple("Outputs", set=str, twice=str, other=str):
    first = variable(name="OWN_SETTING").set_env_variable("OWN_SETTING", 'a b="c" $HOME')
    second = variable(name="OWN_SETTING").set_env_variable("OWN_SETTING", "first")
    second.set_env_variable("OWN_SETTING", "second")
    third = variable(name="OWN_SETTING")
    outputs = NamedTuple("Outputs", set=str, twice=str, other=str)
    return outputs(first.output, second.output, third.output)


@dsl.pipeline
def secret_as_variable() -> str:
    return variable(name="DB_PASSWORD").output


@dsl.pipeline
def resources(cpu: str, memory: str):
    say().set_cpu_request("500m").set_memory_request("2G").set_cpu_limit("1").set_memory_limit("2G")
    say().set_cpu_limit("1").set_memory_limit("1Gi")
    say().set_cpu_limit(cpu).set_memory_limit(memory)
    say().set_cpu_request(say(text="250m").output)


@dsl.pipeline
def many_small() -> int:
    with dsl.ParallelFor(list(range(20))):
        made = one().set_cpu_limit("200m").set_memory_limit("64Mi")
    return add_all(values=dsl.Collected(made.output)).output


@dsl.pipeline
def shown_names() -> str:
    first = say(text="first").set_display_name("The same name")
    return say(text=first.output).set_display_name("The same name").output


@dsl.pipeline
def cached(file: str, n: int) -> int:
    return double(n=counted(file=file, n=n).output).output


@dsl.pipeline
def cached_in_part(file: str) -> int:
    return double(n=counted(file=file, n=3).set_caching_options(False).output).output


@dsl.pipeline
def cached_by_key(n: int) -> int:
    return double(n=n).output


@dsl.pipeline
def cached_by_content(texts: List[str], nonce: int) -> list:
    with dsl.ParallelFor(texts) as text:
        made = length(data=write(text=text, nonce=nonce).outputs["data"])
    return dsl.Collected(made.output)


@dsl.pipeline
def cached_equals(file: str) -> list:
    first = counted(file=file, n=1)
    with dsl.ParallelFor([1, 1]) as n:
        made = counted(file=file, n=n).after(first)
    return dsl.Collected(made.output)


@dsl.pipeline
def cached_failure(file: str) -> str:
    return fail_once(file=file).output


@dsl.pipeline
def packages() -> NamedTuple("Outputs", one=str, other=str):
    outputs = NamedTuple("Outputs", one=str, other=str)
    return outputs(newer().output, older().output)


@dsl.pipeline
def more_functions() -> str:
    return helped(text="x").output


@dsl.pipeline
def literals(size: str, n: int) -> str:
    return say(text=size).output
