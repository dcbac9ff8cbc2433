"""Every rule of substitutions: names, matching, scanned fields, dynamic expansions."""

import time

import pytest

from trainshed.builds import expansions, substitutions
from trainshed.builds.substitutions import apply, expand

BUILT_IN = {"PROJECT_ID": "p", "BUILD_ID": "b", "PROJECT_NUMBER": "1", "LOCATION": "l"}


def a_build(*args, **more):
    return {"steps": [{"name": "ubuntu", "args": list(args)}], **more}


def applied(document, given=None, **how):
    return apply(document, BUILT_IN, given=given or {}, **how)


def args_of(result):
    return result.document["steps"][0]["args"]


def messages(result):
    return [str(f) for f in result.findings]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$PROJECT_ID", "p"),
        ("${PROJECT_ID}x", "px"),
        ("$_A", "value"),
        ("${_A}", "value"),
        ("gs://$_A/$BUILD_ID", "gs://value/b"),
        ("$$_A", "$_A"),
        ("$${_A}", "${_A}"),
        ("$$$_A", "$value"),
        ("$", "$"),
        ("cost: 5$", "cost: 5$"),
        ("$lower ${lower} $(date) $1", "$lower ${lower} $(date) $1"),
        ("$_A-$_A_", "value-trailing"),
        ("$TAG_NAME|", "|"),
        ("${_A:-x}", "${_A:-x}"),
    ],
)
def test_every_plain_form_of_a_substitution_is_replaced(text, expected):
    result = applied(a_build(text, "$_A$_A_"), {"_A": "value", "_A_": "trailing"})

    assert args_of(result)[0] == expected
    assert messages(result) == []


def test_a_shell_variable_is_an_error_with_the_fix_under_both_rules():
    for option in ("MUST_MATCH", "ALLOW_LOOSE"):
        result = applied(a_build("echo $FOO", options={"substitutionOption": option}))

        assert len(result.findings) == 1
        assert result.findings[0].path == "steps[0].args[0]"
        assert "not a valid built-in substitution" in messages(result)[0]
        assert "$$FOO" in messages(result)[0]


def test_a_misspelt_built_in_names_the_nearest():
    assert "did you mean $PROJECT_ID?" in messages(applied(a_build("$PROJET_ID")))[0]


def test_must_match_wants_every_key_used_and_given():
    result = applied(a_build("$_USED $_MISSING"), {"_USED": "1", "_UNUSED": "2", "_MISING": "3"})

    assert [f.path for f in result.findings] == ["steps[0].args[0]", "substitutions._UNUSED", "substitutions._MISING"]
    assert "did you mean $_MISING?" in messages(result)[0]
    assert "is not matched in the template" in messages(result)[1]


def test_allow_loose_turns_missing_into_nothing():
    result = applied(a_build("[$_MISSING]", options={"substitutionOption": "ALLOW_LOOSE"}), {"_UNUSED": "2"})

    assert args_of(result) == ["[]"]
    assert messages(result) == []


def test_a_triggered_build_is_loose_and_dynamic_whatever_the_file_says():
    options = {"substitutionOption": "MUST_MATCH", "dynamicSubstitutions": False}

    result = applied(a_build("${_A:-d}", options=options), {"_UNUSED": "1"}, is_triggered=True)

    assert args_of(result) == ["d"]
    assert messages(result) == []


def test_the_command_line_beats_the_file():
    assert args_of(applied(a_build("$_A", substitutions={"_A": "file"}), {"_A": "flag"})) == ["flag"]


@pytest.mark.parametrize("key", ["PROJECT_ID", "BUILD_ID", "lower", "A", "_a", "_A-B"])
def test_keys_that_may_not_be_given(key):
    result = applied(a_build("x"), {key: "1"})

    assert any(f.path == f"substitutions.{key}" for f in result.findings)


def test_trigger_built_ins_may_be_given_by_hand():
    assert args_of(applied(a_build("$COMMIT_SHA"), {"COMMIT_SHA": "abc"})) == ["abc"]


DOCUMENT = {
    "steps": [{"name": "$_V", "args": ["$_V"], "env": ["A=$_V"], "dir": "$_V", "entrypoint": "$_V", "script": "$_V"}],
    "images": ["$_V"],
    "tags": ["$_V"],
    "logsBucket": "gs://$_V",
    "serviceAccount": "$_V",
    "options": {"env": ["B=$_V"]},
    "artifacts": {"objects": {"location": "gs://$_V", "paths": ["$_V"]}},
    "availableSecrets": {"secretManager": [{"versionName": "$_V", "env": "$_V"}]},
}


def test_every_scanned_field_is_replaced_and_no_other():
    result = applied(DOCUMENT, {"_V": "x"}).document

    step = result["steps"][0]
    assert (step["name"], step["args"], step["env"], step["dir"], step["entrypoint"]) == ("x", ["x"], ["A=x"], "x", "x")
    assert step["script"] == "$_V"
    assert (result["images"], result["tags"], result["logsBucket"]) == (["x"], ["x"], "gs://x")
    assert (result["serviceAccount"], result["options"]["env"]) == ("x", ["B=x"])
    assert result["artifacts"]["objects"] == {"location": "gs://x", "paths": ["x"]}
    assert result["availableSecrets"]["secretManager"] == [{"versionName": "x", "env": "$_V"}]


@pytest.mark.parametrize("field", ["logsBucket", "options", "tags"])
def test_each_scanned_field_counts_as_use(field):
    result = applied({"steps": [{"name": "a"}], field: DOCUMENT[field]}, {"_V": "x"})

    assert messages(result) == []


def test_automap_counts_every_key_as_used():
    document = {"steps": [{"name": "a", "script": "echo $_A"}], "options": {"automapSubstitutions": True}}

    assert messages(applied(document, {"_A": "1"})) == []


V = {"_V": "hello/world.tar.gz", "_E": "", "_UP": "ABC", "_OTHER": "xyz", "_N": "2"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("${_V:-d}", "hello/world.tar.gz"),
        ("${_E:-d}", "d"),
        ("${_E-d}", ""),
        ("${_NONE-d}", "d"),
        ("${_NONE:-${_OTHER}}", "xyz"),
        ("${_NONE:-${_E:-$_UP}}", "ABC"),
        ("${_V:+set}", "set"),
        ("${_E:+set}", ""),
        ("${_V:6}", "world.tar.gz"),
        ("${_V:0:5}", "hello"),
        ("${_V:$_N:3}", "llo"),
        ("${_V: -6}", "tar.gz"),
        ("${_V: -6:3}", "tar"),
        ("${_V:0:-7}", "hello/world"),
        ("${_V:99}", ""),
        ("${_V#*/}", "world.tar.gz"),
        ("${_V#*.}", "tar.gz"),
        ("${_V##*.}", "gz"),
        ("${_V%.*}", "hello/world.tar"),
        ("${_V%%.*}", "hello/world"),
        ("${_V%nothing}", "hello/world.tar.gz"),
        ("${_V/o/0}", "hell0/world.tar.gz"),
        ("${_V//o/0}", "hell0/w0rld.tar.gz"),
        ("${_V//o}", "hell/wrld.tar.gz"),
        ("${_V//\\//-}", "hello-world.tar.gz"),
        ("${_V/#hello/bye}", "bye/world.tar.gz"),
        ("${_V/%gz/xz}", "hello/world.tar.xz"),
        ("${_V//[ol]/_}", "he___/w_r_d.tar.gz"),
        ("${_V//[!a-z]/_}", "hello_world_tar_gz"),
        ("${_V//o/$_UP}", "hellABC/wABCrld.tar.gz"),
        ("${_V/l*r/X}", "heX.gz"),
        ("${_V^}", "Hello/world.tar.gz"),
        ("${_V^^}", "HELLO/WORLD.TAR.GZ"),
        ("${_UP,}", "aBC"),
        ("${_UP,,}", "abc"),
        ("${_UP,,[AB]}", "abC"),
        ("$${_V^^}", "${_V^^}"),
    ],
)
def test_s05_dynamic_expansions_are_bashs(text, expected):
    value, findings = expand(text, V)

    assert findings == []
    assert value == expected


def test_substitutions_may_refer_to_each_other_when_dynamic():
    options = {"dynamicSubstitutions": True}
    given = {"_A": "$_B-${PROJECT_ID^^}", "_B": "${_C:-c}", "_C": ""}

    result = applied(a_build("$_A", options=options), given)

    assert args_of(result) == ["c-P"]
    assert result.values["_A"] == "c-P"
    assert messages(result) == []


def test_a_circle_is_named():
    result = applied(a_build("$_A", options={"dynamicSubstitutions": True}), {"_A": "$_B", "_B": "$_A"})

    assert any("_A → _B → _A" in m for m in messages(result))


@pytest.mark.parametrize("text", ["${_V:", "${_V:a:b}", "${_V@Q}", "${_V:3:-99}"])
def test_a_bad_expansion_is_a_finding(text):
    _, findings = expand(text, V)

    assert len(findings) == 1


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({f"_A{i}": f"$_A{i + 1}$_A{i + 1}" for i in range(100)} | {"_A100": ""}, "$_A0"),
        ({f"_A{i}": f"$_A{i + 1}$_A{i + 1}" for i in range(100)} | {"_A100": "x"}, "$_A0"),
        ({"_V": "a" * 4000}, "${_V//" + "*a" * 30 + "b/x}"),
        ({"_V": "a" * 4000}, "${_V%%" + "*a" * 30 + "b}"),
        ({}, "${_V:-" * 40 + "x" + "}" * 40),
    ],
)
def test_no_value_takes_long_or_grows_without_bound(values, text):
    start = time.process_time()
    value, _ = expand(text, values)

    assert len(value) <= 200_000
    assert time.process_time() - start < 10


def test_an_unknown_operator_is_named():
    with pytest.raises(expansions.ExpansionError, match="@Q"):
        expansions.apply("x", "@Q", str)


def test_secrets_in_double_dollars_reach_the_shell():
    assert substitutions.expand("curl -H $$TOKEN", {})[0] == "curl -H $TOKEN"
