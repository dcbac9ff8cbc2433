"""ParallelFor: what is looped over, what an iteration sees, how loops nest, and Collected over all of it."""

from typing import Dict, List

from kfp import dsl

CASES = [
    # Items keep their types: integers are integers, text that looks like a number is text.
    {
        "pipeline": "static",
        "outputs": {"Output": ["int 1", "int 2"]},
        "printed": {
            "for-loop-4[*]/tell": [["str 1"], ["str true"]],
            "for-loop-6[*]/tell-fraction": [["float 0.5"], ["float 1.5"]],
            "for-loop-8[*]/tell-fact": [["bool True"], ["bool False"]],
            "for-loop-10[*]/tell-list": [["[1, 2]"], ["[3]"]],
        },
    },
    {
        "pipeline": "dynamic",
        "arguments": {"numbers": [3, 1, 2]},
        "outputs": {"Output": [9, 1, 4]},
        "ran": {"for-loop-1[*]/square": 3},
    },
    # No items: the loop has succeeded, and an empty list was collected.
    {"pipeline": "dynamic", "arguments": {"numbers": []}, "outputs": {"Output": []}, "ran": {}},
    {"pipeline": "dynamic", "outputs": {"Output": [25]}},
    # Fields of items: of a constant, of an input, of an output; a field may hold a list.
    {
        "pipeline": "fields",
        "arguments": {"people": [{"who": "c", "age": 3, "tags": ["x", "y"]}]},
        "printed": {
            "for-loop-2[*]/describe": [["a 1"], ["b 2"]],
            "for-loop-3[*]/describe-2": [["c 3"]],
            "for-loop-3[*]/for-loop-4[*]/describe-3": [["c x"], ["c y"]],
            "for-loop-5[*]/describe-4": [["d 4"], ["e 5"]],
            "for-loop-5[*]/whole": [["{'age': 4, 'who': 'd'}"], ["{'age': 5, 'who': 'e'}"]],
        },
    },
    {"pipeline": "integer_fields", "outputs": {"Output": [2, 12, 30]}},
    {"pipeline": "integer_fields", "arguments": {"sizes": [{"width": 7, "height": 8}]}, "outputs": {"Output": [56]}},
    # An iteration sees what surrounds it: the run's inputs, tasks before the loop, and the item of the outer loop.
    {
        "pipeline": "surroundings",
        "arguments": {"base": 100},
        "outputs": {"Output": [[111, 121], [112, 122]]},
        "ran": {"number": 1, "for-loop-2[*]/number-2": 2, "for-loop-2[*]/for-loop-4[*]/add-up": 4, "flat": 1},
        "printed": {"flat": [["[[111, 121], [112, 122]]"]]},
    },
    # Three levels: a list of lists of lists, in iteration order at each level.
    {
        "pipeline": "three_levels",
        "outputs": {"Output": [[["acx", "acy"], ["adx", "ady"]], [["bcx", "bcy"], ["bdx", "bdy"]]]},
    },
    # Collected feeds the next loop, whose outputs are collected again.
    {
        "pipeline": "loop_over_collected",
        "arguments": {"numbers": [1, 2, 3]},
        "outputs": {"Output": [2, 5, 10]},
        "ran": {"for-loop-1[*]/square": 3, "more-of/for-loop-1[*]/add-one": 3},
    },
    # Each outer iteration collects its own inner loop, and loops over that.
    {
        "pipeline": "collected_in_a_loop",
        "outputs": {"Output": ["1+4", "9+16"]},
        "ran": {"for-loop-2[*]/for-loop-3[*]/square": 4, "for-loop-2[*]/plus": 2},
    },
    # Iterations whose producer was skipped give nothing; the order of the others stays.
    {
        "pipeline": "collected_with_gaps",
        "arguments": {"numbers": [5, 2, 4, 1, 6]},
        "outputs": {"Output": [25, 16, 36]},
        "not_triggered": {"for-loop-1[*]/condition-2": 2},
    },
    {
        "pipeline": "collected_with_gaps",
        "arguments": {"numbers": [1, 2]},
        "outputs": {"Output": []},
        "not_triggered": {"for-loop-1[*]/condition-2": 2},
    },
    # A loop in a condition in a loop; the inner loop is over an input from outside both.
    {
        "pipeline": "loop_in_condition_in_loop",
        "arguments": {"numbers": ["3", "4"]},
        "ran": {
            "for-loop-2[*]/condition-3/for-loop-4[*]/describe": 2,
            "for-loop-2[*]/condition-3/say": 1,
        },
        "printed": {
            "for-loop-2[*]/condition-3/for-loop-4[*]/describe": [["b 3"], ["b 4"]],
            "for-loop-2[*]/condition-3/say": [["after b"]],
        },
        "not_triggered": {"for-loop-2[*]/condition-3": 1},
    },
    # Collected from a loop inside a condition inside a nested pipeline, through both to the outside.
    {
        "pipeline": "collected_through_everything",
        "arguments": {"deep": True},
        "outputs": {"Output": "2,3,4"},
    },
    {"pipeline": "collected_through_everything", "arguments": {"deep": False}, "outputs": {"Output": "none"}},
    # A nested pipeline in each iteration, with a loop of its own; what it returns is collected.
    {
        "pipeline": "pipeline_in_a_loop",
        "outputs": {"Output": [[1], [1, 4], [1, 4, 9]]},
        "ran": {"for-loop-2[*]/count": 3, "for-loop-2[*]/squares/for-loop-1[*]/square": 6},
    },
    # The limit says how many iterations go on at once; with one, they go in order.
    {
        "pipeline": "one_at_a_time",
        "arguments": {"file": "${TMP}/order"},
        "files": {"${TMP}/order": "begin 1\nend 1\nbegin 2\nend 2\nbegin 3\nend 3\n"},
    },
    # A loop waits for a task, a task for a loop, and a loop for a loop.
    {
        "pipeline": "order",
        "arguments": {"file": "${TMP}/order"},
        "files": {"${TMP}/order": "first\nloop\nloop\nsecond\nloop\nthird\n"},
    },
    # Iterations with several tasks: each task waits for those of its own iteration.
    {"pipeline": "chains", "outputs": {"Output": [4, 9, 16, 25, 36, 49, 64, 81, 100, 121]}},
    # The same text twice is two iterations; text is never taken for JSON.
    {"pipeline": "same_items", "outputs": {"Output": ["a", "[1]", "a", "null", "{{$}}"]}},
    # An iteration that fails fails the loop; the others end, what waits for the loop does not run.
    {
        "pipeline": "one_fails",
        "ends": "FAILED",
        "failed": ["for-loop-2[*]/fail-on-two"],
        "ran": {"for-loop-2[*]/fail-on-two": 3, "for-loop-2[*]/say": 2},
        "not_triggered": {"say-2": 1, "for-loop-2[*]/say": 1},
    },
]


@dsl.component
def tell(value: str):
    print(type(value).__name__, value)


@dsl.component
def tell_number(value: int) -> str:
    return f"{type(value).__name__} {value}"


@dsl.component
def tell_fraction(value: float):
    print(type(value).__name__, value)


@dsl.component
def tell_fact(value: bool):
    print(type(value).__name__, value)


@dsl.component
def tell_list(value: list):
    print(value)


@dsl.component
def say(text: str) -> str:
    print(text)
    return text


@dsl.component
def square(n: int) -> int:
    return n * n


@dsl.component
def add_one(n: int) -> int:
    return n + 1


@dsl.component
def number(n: int) -> int:
    return n


@dsl.component
def add_up(a: int, b: int, c: int) -> int:
    return a + b + c


@dsl.component
def flat(values: list) -> list:
    print(values)
    return values


@dsl.component
def plus(values: list) -> str:
    return "+".join(str(value) for value in values)


@dsl.component
def commas(values: list) -> str:
    return ",".join(str(value) for value in values)


@dsl.component
def describe(who: str, age: str):
    print(who, age)


@dsl.component
def area(width: int, height: int) -> int:
    return width * height


@dsl.component
def three_in_one(a: str, b: str, c: str) -> str:
    return a + b + c


@dsl.component
def whole(person: dict):
    print(dict(sorted(person.items())))


@dsl.component
def people_from_a_task() -> List[dict]:
    return [{"who": "d", "age": 4}, {"who": "e", "age": 5}]


@dsl.component
def count(n: int) -> list:
    return list(range(1, n + 1))


@dsl.component
def write_down(file: str, text: str):
    with open(file, "a") as out:
        out.write(f"{text}\n")


@dsl.component
def slowly(file: str, n: int):
    import time

    with open(file, "a") as out:
        out.write(f"begin {n}\n")
    time.sleep(0.05)
    with open(file, "a") as out:
        out.write(f"end {n}\n")


@dsl.component
def fail_on_two(n: int) -> int:
    if n == 2:
        raise ValueError("two")
    return n


@dsl.pipeline
def static() -> list:
    with dsl.ParallelFor([1, 2]) as item:
        told = tell_number(value=item)
    with dsl.ParallelFor(["1", "true"]) as item:
        tell(value=item)
    with dsl.ParallelFor([0.5, 1.5]) as item:
        tell_fraction(value=item)
    with dsl.ParallelFor([True, False]) as item:
        tell_fact(value=item)
    with dsl.ParallelFor([[1, 2], [3]]) as item:
        tell_list(value=item)
    return dsl.Collected(told.output)


@dsl.pipeline
def dynamic(numbers: List[int] = [5]) -> list:  # noqa: B006  (kfp reads the default)
    with dsl.ParallelFor(numbers) as item:
        made = square(n=item)
    return dsl.Collected(made.output)


@dsl.pipeline
def fields(people: List[dict]):
    with dsl.ParallelFor([{"who": "a", "age": 1}, {"who": "b", "age": 2}]) as item:
        describe(who=item.who, age=item.age)
    with dsl.ParallelFor(people) as item:
        describe(who=item.who, age=item.age)
        with dsl.ParallelFor(item.tags) as tag:
            describe(who=item.who, age=tag)
    with dsl.ParallelFor(people_from_a_task().output) as item:
        describe(who=item.who, age=item.age)
        whole(person=item)


@dsl.pipeline
def integer_fields(
    sizes: List[Dict[str, int]] = [  # noqa: B006
        {"width": 1, "height": 2},
        {"width": 3, "height": 4},
        {"width": 5, "height": 6},
    ],
) -> list:
    with dsl.ParallelFor(sizes) as size:
        made = area(width=size.width, height=size.height)
    return dsl.Collected(made.output)


@dsl.pipeline
def surroundings(base: int) -> list:
    ten = number(n=10)
    with dsl.ParallelFor([1, 2]) as outer:
        own = number(n=outer)
        with dsl.ParallelFor([10, 20]) as inner:
            made = add_up(a=base, b=own.output, c=inner).after(ten)
    return flat(values=dsl.Collected(made.output)).output


@dsl.pipeline
def three_levels() -> list:
    with dsl.ParallelFor(["a", "b"]) as one, dsl.ParallelFor(["c", "d"]) as two, dsl.ParallelFor(["x", "y"]) as three:
        made = three_in_one(a=one, b=two, c=three)
    return dsl.Collected(made.output)


@dsl.pipeline
def more_of(numbers: list) -> list:
    with dsl.ParallelFor(numbers) as item:
        more = add_one(n=item)
    return dsl.Collected(more.output)


@dsl.pipeline
def loop_over_collected(numbers: List[int]) -> list:
    with dsl.ParallelFor(numbers) as item:
        made = square(n=item)
    return more_of(numbers=dsl.Collected(made.output)).output


@dsl.pipeline
def collected_in_a_loop() -> list:
    with dsl.ParallelFor([[1, 2], [3, 4]]) as pair:
        with dsl.ParallelFor(pair) as item:
            made = square(n=item)
        joined = plus(values=dsl.Collected(made.output))
    return dsl.Collected(joined.output)


@dsl.pipeline
def collected_with_gaps(numbers: List[int]) -> list:
    with dsl.ParallelFor(numbers) as item, dsl.If(item > 2):
        made = square(n=item)
    return dsl.Collected(made.output)


@dsl.pipeline
def loop_in_condition_in_loop(numbers: List[str]):
    with dsl.ParallelFor(["a", "b"]) as item, dsl.If(item == "b"):
        with dsl.ParallelFor(numbers) as number:
            said = describe(who=item, age=number)
        say(text=f"after {item}").after(said)


@dsl.pipeline
def gathered() -> str:
    with dsl.ParallelFor([1, 2, 3]) as item:
        made = add_one(n=item)
    return commas(values=dsl.Collected(made.output)).output


@dsl.pipeline
def if_deep(deep: bool) -> str:
    with dsl.If(deep == True):  # noqa: E712
        one = gathered()
    with dsl.Else():
        two = say(text="none")
    return dsl.OneOf(one.output, two.output)


@dsl.pipeline
def collected_through_everything(deep: bool) -> str:
    return if_deep(deep=deep).output


@dsl.pipeline
def squares(numbers: list) -> list:
    with dsl.ParallelFor(numbers) as item:
        made = square(n=item)
    return dsl.Collected(made.output)


@dsl.pipeline
def pipeline_in_a_loop() -> list:
    with dsl.ParallelFor([1, 2, 3]) as item:
        made = squares(numbers=count(n=item).output)
    return dsl.Collected(made.output)


@dsl.pipeline
def one_at_a_time(file: str):
    with dsl.ParallelFor([1, 2, 3], parallelism=1) as item:
        slowly(file=file, n=item)


@dsl.pipeline
def order(file: str):
    first = write_down(file=file, text="first")
    with dsl.ParallelFor(["loop", "loop"]) as item:
        inside = write_down(file=file, text=item).after(first)
    second = write_down(file=file, text="second").after(inside)
    with dsl.ParallelFor(["loop"]) as item:
        again = write_down(file=file, text=item).after(second)
    write_down(file=file, text="third").after(again)


@dsl.pipeline
def chains() -> list:
    with dsl.ParallelFor([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]) as item:
        made = square(n=add_one(n=number(n=item).output).output)
    return dsl.Collected(made.output)


@dsl.pipeline
def same_items() -> list:
    with dsl.ParallelFor(["a", "[1]", "a", "null", "{{$}}"]) as item:
        made = say(text=item)
    return dsl.Collected(made.output)


@dsl.pipeline
def one_fails():
    with dsl.ParallelFor([1, 2, 3]) as item:
        inside = say(text=f"{fail_on_two(n=item).output}")
    say(text="after").after(inside)
