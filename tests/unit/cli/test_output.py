"""What commands print."""

from trainshed.cli.output import table


def test_a_row_of_a_table_is_one_line_whatever_is_in_it(capsys):
    table(
        ("STATE", "REASON", "LINK"),
        [("REFUSED", "steps[0].name: is empty\nsubstitutions: none\n", "x"), ("OK", None, "  y")],
    )

    assert capsys.readouterr().out.splitlines() == [
        "STATE    REASON                                        LINK",
        "REFUSED  steps[0].name: is empty; substitutions: none  x",
        "OK                                                       y",
    ]
