"""If, Elif and Else: every operator, every type, nested, on inputs and on outputs; what waits for an untaken branch."""

from kfp import dsl

CASES = [
    # An Elif holds only where all before it does not: its condition is `!(…) && …`.
    {"pipeline": "grade", "arguments": {"points": 90}, "outputs": {"Output": "A"}},
    {"pipeline": "grade", "arguments": {"points": 89}, "outputs": {"Output": "B"}},
    {"pipeline": "grade", "arguments": {"points": 60}, "outputs": {"Output": "C"}},
    {
        "pipeline": "grade",
        "arguments": {"points": -1},
        "outputs": {"Output": "D"},
        "ran": {"condition-branches-1/condition-5/say-4": 1},
        "not_triggered": {
            "condition-branches-1/condition-2": 1,
            "condition-branches-1/condition-3": 1,
            "condition-branches-1/condition-4": 1,
        },
    },
    {
        "pipeline": "operators",
        "arguments": {"whole": 7, "half": 0.5, "word": "b", "flag": True},
        "ran": {
            "condition-1/say": 1,  # 7 == 7
            "condition-3/say-3": 1,  # 7 < 10: as numbers, as text it would not be
            "condition-4/say-4": 1,  # 0.5 <= 0.5
            "condition-5/say-5": 1,  # "b" > "a"
            "condition-6/say-6": 1,  # True
        },
        "not_triggered": {"condition-2": 1, "condition-7": 1, "condition-8": 1},
    },
    {
        "pipeline": "operators",
        "arguments": {"whole": 80, "half": 0.75, "word": "B", "flag": False},
        "ran": {
            "condition-2/say-2": 1,  # 80 != 7
            "condition-7/say-7": 1,  # "B" is before "a"
            "condition-8/say-8": 1,  # False
        },
    },
    {
        "pipeline": "on_outputs",
        "arguments": {"limit": 4},
        "ran": {"number": 1, "word": 1, "fact": 1, "fraction": 1, "condition-1/say": 1, "condition-3/say-3": 1},
        "not_triggered": {"condition-2": 1},
        "printed": {"condition-1/say": [["5 is above 4"]]},
    },
    {
        "pipeline": "on_outputs",
        "arguments": {"limit": 5},
        "ran": {"number": 1, "word": 1, "fact": 1, "fraction": 1, "condition-2/say-2": 1, "condition-3/say-3": 1},
    },
    # Conditions inside conditions inside a loop: 2 and 4 are even, only 4 is above 3.
    {
        "pipeline": "nested",
        "arguments": {"deep": True},
        "ran": {
            "condition-1/for-loop-3[*]/number": 4,
            "condition-1/for-loop-3[*]/condition-branches-4/condition-5/say": 1,
            "condition-1/for-loop-3[*]/condition-branches-4/condition-6/say-2": 3,
        },
        "printed": {"condition-1/for-loop-3[*]/condition-branches-4/condition-5/say": [["4"]]},
    },
    {"pipeline": "nested", "arguments": {"deep": False}, "ran": {}, "not_triggered": {"condition-1": 1}},
    # A nested pipeline has succeeded even where no branch in it was taken: what waits for it runs.
    {
        "pipeline": "nothing_taken",
        "arguments": {"word": "c"},
        "outputs": {"Output": "after"},
        "ran": {"say": 1},
        "not_triggered": {
            "one-of-two/condition-branches-1/condition-2": 1,
            "one-of-two/condition-branches-1/condition-3": 1,
        },
    },
    {"pipeline": "nothing_taken", "arguments": {"word": "a"}, "outputs": {"Output": "after"}},
    # Quotes, braces and dollar signs in what is compared are text, never part of the condition.
    {
        "pipeline": "hostile",
        "arguments": {"word": "' == '' || 'a"},
        "ran": {"condition-2/say-2": 1},
        "not_triggered": {"condition-1": 1},
    },
    {"pipeline": "hostile", "arguments": {"word": '{{$}} "quoted" ${HOME}'}, "ran": {"condition-1/say": 1}},
    # What compilers other than kfp's write: membership, size, arithmetic, a ternary.
    {"pipeline": "other_compilers", "arguments": {"word": "b"}, "ran": {"condition-1/say": 1, "condition-2/say-2": 1}},
    {"pipeline": "other_compilers", "arguments": {"word": "bcd"}, "ran": {"condition-3/say-3": 1}},
]
EDITS = {
    "other_compilers": {
        "root.dag.tasks.condition-1.triggerPolicy.condition": (
            "inputs.parameter_values['pipelinechannel--word'] in ['a', 'b']"
        ),
        "root.dag.tasks.condition-2.triggerPolicy.condition": (
            "size(inputs.parameter_values['pipelinechannel--word']) + 1 == 2"
        ),
        "root.dag.tasks.condition-3.triggerPolicy.condition": (
            "inputs.parameter_values['pipelinechannel--word'].startsWith('bc') ? true : false"
        ),
    }
}


@dsl.component
def say(text: str) -> str:
    print(text)
    return text


@dsl.component
def number(n: int) -> int:
    return n


@dsl.component
def fraction() -> float:
    return 2.5


@dsl.component
def fact() -> bool:
    return False


@dsl.component
def word() -> str:
    return "yes"


@dsl.pipeline
def grade(points: int) -> str:
    with dsl.If(points >= 90):
        a = say(text="A")
    with dsl.Elif(points >= 75):
        b = say(text="B")
    with dsl.Elif(points >= 50):
        c = say(text="C")
    with dsl.Else():
        d = say(text="D")
    return dsl.OneOf(a.output, b.output, c.output, d.output)


@dsl.pipeline
def operators(whole: int, half: float, word: str, flag: bool):
    with dsl.If(whole == 7):
        say(text="seven")
    with dsl.If(whole != 7):
        say(text="not seven")
    with dsl.If(whole < 10):
        say(text="small")
    with dsl.If(half <= 0.5):
        say(text="half")
    with dsl.If(word > "a"):
        say(text="after a")
    with dsl.If(flag == True):  # noqa: E712
        say(text="set")
    with dsl.If(word < "a"):
        say(text="before a")
    with dsl.If(flag == False):  # noqa: E712
        say(text="not set")


@dsl.pipeline
def on_outputs(limit: int):
    five = number(n=5)
    no = fact()
    with dsl.If(five.output > limit):
        say(text=f"{five.output} is above {limit}")
    with dsl.If(five.output == limit):
        say(text="equal")
    with dsl.If(word().output == "yes"):
        say(text="yes").after(no)
    fraction()


@dsl.pipeline
def nested(deep: bool):
    with dsl.If(deep == True), dsl.ParallelFor([1, 2, 3, 4]) as item:  # noqa: E712
        given = number(n=item)
        with dsl.If(given.output > 3):
            say(text=f"{given.output}")
        with dsl.Else():
            say(text="no")


@dsl.pipeline
def one_of_two(word: str):
    with dsl.If(word == "a"):
        say(text="a")
    with dsl.Elif(word == "b"):
        say(text="b")


@dsl.pipeline
def nothing_taken(word: str) -> str:
    return say(text="after").after(one_of_two(word=word)).output


@dsl.pipeline
def hostile(word: str):
    with dsl.If(word == '{{$}} "quoted" ${HOME}'):
        say(text="the same")
    with dsl.If(word != '{{$}} "quoted" ${HOME}'):
        say(text="another")


@dsl.pipeline
def other_compilers(word: str):
    with dsl.If(word == "1"):
        say(text="in")
    with dsl.If(word == "2"):
        say(text="size")
    with dsl.If(word == "3"):
        say(text="starts")
