"""What a change needs."""

import pytest

from trainshed.builds.triggers.planner import Declaration, Way, choose
from trainshed.errors import InvalidArgument

DECLARED = Declaration(
    image=("Dockerfile", "requirements.txt", "components/**"),
    code=("pipeline.py",),
    modules=("modules/**",),
    ignored=("docs/**",),
)


@pytest.mark.parametrize(
    ("changed", "way", "why"),
    [
        ([], Way.NOTHING, "no file changed"),
        (["docs/a.md"], Way.NOTHING, "no part in the pipeline"),
        (
            ["modules/trainer.py", "docs/a.md"],
            Way.UPLOAD_MODULES,
            "modules/trainer.py is only read from the module root",
        ),
        (["modules/trainer.py", "pipeline.py"], Way.COMPILE, "pipeline.py is pipeline code"),
        (["components/gen.py", "modules/trainer.py"], Way.REBUILD_IMAGE, "components/gen.py goes into the image"),
        (["stray.txt"], Way.REBUILD_IMAGE, "not declared"),
    ],
)
def test_s66_the_cheapest_way_is_chosen_and_says_why(changed, way, why):
    plan = choose(changed, DECLARED)

    assert plan.way is way
    assert why in plan.reason


def test_s66_the_modules_to_upload_are_named():
    plan = choose(["modules/b.py", "modules/a.py", "docs/x"], DECLARED)

    assert (plan.way, plan.because) == (Way.UPLOAD_MODULES, ("modules/a.py", "modules/b.py"))


def test_a_declaration_of_an_unknown_kind_is_refused():
    with pytest.raises(InvalidArgument, match=r"changes\.pictures"):
        Declaration.from_document({"pictures": ["*"]})
