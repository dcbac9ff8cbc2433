"""Command-line values as the shell and gcloud give them."""

import shlex

import pytest

from trainshed.builds import flags
from trainshed.builds.shims import translate
from trainshed.errors import InvalidArgument

# What the notebook's cell hands to the shell: a quoted value, line continuations, a line end at the end.
CELL = """\
_REPO_URL='https://github.com/a/CI-CD-for-Model-Training',\\
_BRANCH=main,\\
_PIPELINE_ROOT=gs://bucket/root:x,\\
_CICD_IMAGE_URI=gcr.io/p/cicd:latest
"""


def test_s04_s05_the_notebooks_substitutions_arrive_as_the_shell_gives_them():
    (word,) = shlex.split(CELL.replace("\\\n", "").strip("\n") + "\n")

    assert flags.dictionary(word) == {
        "_REPO_URL": "https://github.com/a/CI-CD-for-Model-Training",
        "_BRANCH": "main",
        "_PIPELINE_ROOT": "gs://bucket/root:x",
        "_CICD_IMAGE_URI": "gcr.io/p/cicd:latest",
    }


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("_A=1,_B=2", {"_A": "1", "_B": "2"}),
        ("_A=x=y", {"_A": "x=y"}),
        ("_A='q'", {"_A": "'q'"}),
        ("_A=1\n", {"_A": "1\n"}),
        ("_A=,_B=2", {"_A": "", "_B": "2"}),
        ("_A=1,_A=2", {"_A": "2"}),
        ("^;^_A=a,b;_B=c", {"_A": "a,b", "_B": "c"}),
        ("^--^_A=1--_B=2", {"_A": "1", "_B": "2"}),
        ("", {}),
    ],
)
def test_s05_gclouds_dictionary_syntax(text, expected):
    assert flags.dictionary(text) == expected


def test_a_pair_without_equals_is_refused_with_the_way_out():
    with pytest.raises(InvalidArgument, match=r"\^;\^"):
        flags.dictionary("_A=a,b")


@pytest.mark.parametrize(("text", "seconds"), [("60m", 3600), ("1h30m", 5400), ("90s", 90), ("90", 90), ("1d", 86400)])
def test_s06_durations_are_read_as_gcloud_s(text, seconds):
    assert flags.duration_seconds(text) == seconds


def test_a_bad_duration_is_refused():
    with pytest.raises(InvalidArgument, match="60m"):
        flags.duration_seconds("soon")


@pytest.mark.parametrize(("text", "name"), [("e2-highcpu-8", "E2_HIGHCPU_8"), ("n1-highcpu-8", "N1_HIGHCPU_8")])
def test_s07_machine_types_become_the_cloud_s(text, name):
    assert flags.machine_type(text) == name


def test_an_unknown_machine_type_is_refused():
    with pytest.raises(InvalidArgument, match="e2-highcpu-8"):
        flags.machine_type("huge")


@pytest.mark.parametrize(
    ("words", "ours"),
    [
        ("cp pen.json gs://b/pipelines/", "storage cp pen.json gs://b/pipelines/"),
        ("-m cp -r dir gs://b/", "storage cp -r dir gs://b/"),
        ("-q -o GSUtil:x=1 cp a gs://b", "storage cp a gs://b"),
        ("ls -lh gs://b", "storage ls -l -h gs://b"),
        ("rm -rf gs://b/x", "storage rm -r gs://b/x"),
        ("mb -l us-central1 gs://b", "storage buckets create gs://b --location us-central1"),
        ("cat gs://b/x", "storage cat gs://b/x"),
        ("rsync -r a gs://b", "storage rsync -r a gs://b"),
    ],
)
def test_s12_s20_gsutil_becomes_our_command(words, ours):
    assert translate.gsutil(words.split()) == ours.split()


@pytest.mark.parametrize(
    ("words", "ours"),
    [
        ("pubsub topics publish t --message x", "pubsub topics publish t --message x"),
        ("beta scheduler jobs list --quiet", "scheduler jobs list"),
        ("auth login", ""),
    ],
)
def test_gcloud_becomes_our_command(words, ours):
    assert translate.gcloud(words.split()) == ours.split()


def test_what_we_do_not_have_is_left_to_the_real_tool():
    with pytest.raises(translate.NotOurs):
        translate.gcloud(["compute", "instances", "list"])
    with pytest.raises(translate.NotOurs):
        translate.gsutil(["acl", "get"])
