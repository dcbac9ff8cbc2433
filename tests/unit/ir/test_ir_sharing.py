"""A document of thousands of tasks says the same thing thousands of times: it is kept once."""

import copy
import json
from typing import Any

from large_store import documents

from trainshed import ir

_MANY = 40


def _compiled() -> dict[str, Any]:
    found: dict[str, Any] = copy.deepcopy(documents.document("many", documents.layered(_MANY)))["spec"]
    return found


def test_what_reading_does_not_change_is_not_copied() -> None:
    given = _compiled()

    document = ir.load_dict(given)

    assert document.spec["root"]["dag"] is given["root"]["dag"]


def test_what_reading_changes_is_a_copy_and_the_given_one_stays_as_it_was() -> None:
    given = _compiled()
    name, task = next(iter(given["root"]["dag"]["tasks"].items()))
    task["component_ref"] = task.pop("componentRef")
    before = copy.deepcopy(given)

    read = ir.load_dict(given).spec["root"]["dag"]["tasks"]

    assert read[name]["componentRef"] == before["root"]["dag"]["tasks"][name]["component_ref"]
    assert given == before


def test_tasks_that_are_given_the_same_share_the_record_of_it() -> None:
    tasks = ir.plan(ir.load_dict(_compiled())).root.tasks.values()

    assert len({id(task.given_parameters) for task in tasks}) == len({repr(task.given_parameters) for task in tasks})
    assert len({repr(task.given_parameters) for task in tasks}) < _MANY / 2


def test_constants_that_python_takes_for_equal_stay_what_they_are() -> None:
    given = _compiled()
    constants = [True, 1, "1", [1], {"a": 1}]
    for constant, task in zip(constants, given["root"]["dag"]["tasks"].values(), strict=False):
        task["inputs"] = {"parameters": {"epochs": {"runtimeValue": {"constant": constant}}}}

    tasks = ir.plan(ir.load_dict(given)).root.tasks

    read = [tasks[name].given_parameters["epochs"].source for name in list(given["root"]["dag"]["tasks"])[:5]]
    assert [repr(source.value) for source in read if isinstance(source, ir.Constant)] == [repr(c) for c in constants]


def test_what_a_stored_document_says_again_and_again_is_one_object() -> None:
    given = _compiled()
    tasks = ir.read_stored(json.dumps(given))["root"]["dag"]["tasks"].values()

    assert len({id(task["cachingOptions"]) for task in tasks}) == 1
    assert len({id(task["componentRef"]) for task in tasks}) == len({str(task["componentRef"]) for task in tasks}) < 5


def test_a_stored_document_is_read_as_it_is() -> None:
    odd = {"a": [{"x": 1}, {"x": True}, {"x": 1.0}, {"x": "1"}, {"x": None}, {"x": [1]}, {"x": [True]}, {}, {"x": {}}]}

    for given in (_compiled(), odd, []):
        assert repr(ir.read_stored(json.dumps(given))) == repr(given)
