"""The filter language of subscriptions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainshed.errors import InvalidArgument
from trainshed.topics import filters

COM = {"domain": "com", "lang": "en-GB"}


@pytest.mark.parametrize(
    ("text", "attributes", "is_wanted"),
    [
        ("attributes:domain", COM, True),
        ("attributes:domain", {"Domain": "com"}, False),
        ('attributes.domain = "com"', COM, True),
        ('attributes.domain="org"', COM, False),
        ('attributes.domain != "org"', COM, True),
        ('attributes.domain != "com"', COM, False),
        ('attributes.domain != "com"', {}, True),
        ('hasPrefix(attributes.lang, "en")', COM, True),
        ('hasPrefix(attributes.lang, "fr")', COM, False),
        ('hasPrefix(attributes.other, "")', COM, False),
        ("NOT attributes:domain", COM, False),
        ("-attributes:other", COM, True),
        ("NOT NOT attributes:domain", COM, True),
        ("attributes:domain AND attributes:lang AND attributes:x", COM, False),
        ("attributes:x OR attributes:y OR attributes:lang", COM, True),
        ("attributes:x OR (attributes:domain AND NOT attributes:y)", COM, True),
        ("NOT attributes:x AND attributes:domain", COM, True),
        ("NOT (attributes:x OR attributes:domain)", COM, False),
        ('attributes:"iana.org/language_tag"', {"iana.org/language_tag": "en"}, True),
        ('attributes."a b" = "q\\"\\u0041\\n\\101"', {"a b": 'q"A\nA'}, True),
        ("attributes:my-key_1", {"my-key_1": ""}, True),
        ("  attributes : domain  ", COM, True),
        ('attributes.AND = "x"', {"AND": "x"}, True),
    ],
)
def test_g3_a_filter_selects_by_attributes(text, attributes, is_wanted):
    assert filters.compiled(text)(attributes) is is_wanted


@pytest.mark.parametrize(
    "text",
    [
        "attributes",
        "attributes.domain",
        "attributes.domain = com",
        "attributes.domain = 'com'",
        'attributes.domain == "com"',
        "attributes.domain = 1",
        'data = "x"',
        "attributes:a attributes:b",
        "attributes:a and attributes:b",
        "(attributes:a",
        "attributes:a)",
        "attributes:a AND",
        "NOT",
        "hasPrefix(attributes.a)",
        'hasPrefix(attributes:a, "b")',
        'attributes.a = "\\UFFFFFFFF"',
        'attributes.a = "open',
        "attributes:é",
        "(" * 250,
        "   ",
    ],
)  # fmt: skip
def test_what_is_no_filter_is_refused_with_the_field(text):
    with pytest.raises(InvalidArgument, match="filter") as refused:
        filters.compiled(text)

    assert refused.value.violations[0].field == "filter"


def test_g3_mixed_and_and_or_need_parentheses():
    with pytest.raises(InvalidArgument, match="parentheses"):
        filters.compiled("attributes:a AND attributes:b OR attributes:c")


def test_g3_a_filter_is_at_most_256_bytes():
    assert filters.compiled("attributes:" + "a" * 245)
    with pytest.raises(InvalidArgument, match="256 bytes"):
        filters.compiled("attributes:" + "a" * 246)
    with pytest.raises(InvalidArgument, match="256 bytes"):
        filters.compiled('attributes:"' + "é" * 123 + '"')


@given(st.text(alphabet='atribues:.="-()!, NOTADRhPfx\\01', max_size=60), st.dictionaries(st.text(), st.text()))
def test_any_text_is_a_predicate_or_an_invalid_argument(text, attributes):
    try:
        predicate = filters.compiled(text)
    except InvalidArgument:
        return
    assert predicate(attributes) in {True, False}
