"""How much of what was drawn is kept."""

from trainshed.dashboard.runs.kept import Kept


def _made(kept: Kept[str, str], value: str) -> list[str]:
    made: list[str] = []

    def make() -> str:
        made.append(value)
        return value

    assert kept.get(value, make) == value
    return made


def test_what_was_asked_for_last_is_kept_up_to_a_number() -> None:
    kept: Kept[str, str] = Kept(2, len, 100)
    assert _made(kept, "a") == ["a"]
    assert _made(kept, "b") == ["b"]
    assert _made(kept, "a") == []
    assert _made(kept, "c") == ["c"]
    assert kept.peek("b") is None
    assert kept.peek("a") == "a"


def test_it_is_kept_up_to_a_weight_and_the_newest_whatever_it_weighs() -> None:
    kept: Kept[str, str] = Kept(10, len, 5)
    _made(kept, "aa")
    _made(kept, "bbb")
    assert kept.peek("aa") == "aa"
    _made(kept, "c")
    assert kept.peek("aa") == "aa"  # looked at last
    assert kept.peek("bbb") is None
    _made(kept, "ddddddddd")
    assert [kept.peek(key) for key in ("aa", "c")] == [None, None]
    assert _made(kept, "ddddddddd") == []
    _made(kept, "e")
    assert kept.peek("ddddddddd") is None
    assert _made(kept, "e") == []
