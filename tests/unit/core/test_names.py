import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainshed import names
from trainshed.errors import InvalidArgument

TOPIC = "projects/{project}/topics/{topic}"


def test_s53_name_of_the_right_form_is_split():
    assert names.parse(TOPIC, "projects/p/topics/t") == {"project": "p", "topic": "t"}


@pytest.mark.parametrize("name", ["t", "projects/p/topics/", "projects/p/topic/t", "projects/p/topics/t/x", ""])
def test_s53_name_of_another_form_is_refused_with_the_expected_one(name):
    with pytest.raises(InvalidArgument, match=r"topic: .*is not of the form 'projects/PROJECT/topics/TOPIC'") as caught:
        names.parse(TOPIC, name, field="topic")

    assert caught.value.violations[0].field == "topic"


@given(st.dictionaries(st.text(max_size=5), st.integers() | st.text()))
def test_page_token_goes_both_ways(position):
    token = names.page_token(p=position)

    assert names.read_page_token(token) == {"p": position}


@pytest.mark.parametrize("token", ["nonsense", "bm9uc2Vuc2U=", "W10=", "é"])
def test_foreign_page_token_is_refused(token):
    with pytest.raises(InvalidArgument, match="page_token"):
        names.read_page_token(token)


def test_identifiers_differ():
    assert len({names.short_id() for _ in range(1000)}) == 1000
    assert len(names.numeric_id()) == 18
    assert names.short("projects/p/topics/t") == "t"
