"""Broken specs: an answer within a second of work, and every finding has a place. More: `make fuzz`."""

from random import Random

import pytest
from faults.specs.campaign import tried
from faults.specs.mutations import mutated
from faults.specs.sources import texts
from hypothesis import given, settings
from hypothesis import strategies as st

from trainshed import ir

_TEXTS = texts()


@pytest.mark.parametrize("text", _TEXTS[:4])
def test_what_the_mutations_begin_with_is_whole(text):
    assert ir.check(ir.load(text)) == []


@pytest.mark.parametrize("seed", range(4))
def test_mutated_specs_get_a_plan_or_findings_with_a_place(seed):
    random = Random(seed)

    for number in range(150):
        data = mutated(random, _TEXTS)
        kind, _, wrong = tried(data)
        assert not wrong, f"input {number} ({kind}): {wrong}\n{data[:2000]!r}"


@settings(deadline=None, max_examples=200)
@given(st.randoms(use_true_random=False))
def test_mutations_of_a_spec_with_every_feature_get_an_answer(random):
    kind, _, wrong = tried(mutated(random, _TEXTS[:4]))

    assert not wrong, f"{kind}: {wrong}"


@settings(deadline=None)
@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_bytes_get_an_answer(data):
    kind, _, wrong = tried(data)

    assert not wrong, f"{kind}: {wrong}"
