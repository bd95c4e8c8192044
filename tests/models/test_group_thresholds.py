"""How a criterion is read, and how thresholds by group are written down."""

import json

import pytest

from tfx_automl.errors import ConfigError
from tfx_automl.models.group_thresholds import GroupThresholds, parity_problems, read_parity

SENSITIVE = [("sex",), ("sex", "race")]


@pytest.mark.parametrize(
    ("text", "sensitive", "expected"),
    [
        ("demographic_parity", [("sex",)], "demographic_parity[sex]"),
        ("equal_opportunity[sex]", SENSITIVE, "equal_opportunity[sex]"),
        ("equalized_odds[race, sex]", SENSITIVE, "equalized_odds[sex,race]"),
        (' predictive_equality["a,b"] ', [("a,b",)], 'predictive_equality["a,b"]'),
    ],
)
def test_criterion_and_group_are_read(text, sensitive, expected):
    assert str(read_parity(text, "binary", sensitive)) == expected


@pytest.mark.parametrize(
    ("text", "kind", "sensitive", "message"),
    [
        ("demographic_parity", "multiclass", SENSITIVE, "^group_thresholds: a multiclass task has no threshold"),
        (
            "parity[sex]",
            "binary",
            SENSITIVE,
            r"^group_thresholds: expected one of demographic_parity, .*'parity\[sex\]",
        ),
        ("demographic_parity", "binary", [], "^group_thresholds: .* there are no sensitive columns"),
        ("demographic_parity", "binary", SENSITIVE, r"in brackets: sex, sex,race\.$"),
        ("demographic_parity[age]", "binary", SENSITIVE, r"in brackets: sex, sex,race\.$"),
        ("demographic_parity[", "binary", SENSITIVE, "expected one of"),
    ],
)
def test_what_cannot_be_is_refused(text, kind, sensitive, message):
    with pytest.raises(ConfigError, match=message):
        read_parity(text, kind, sensitive)
    assert parity_problems(text, kind, sensitive)
    assert parity_problems(None, kind, sensitive) == []


def test_card_keeps_every_digit():
    slices = (("Female", 3, 0.1), ("Male", -1, 1e-30))
    written = GroupThresholds(("sex", "n", "x"), ("text", "int", "float"), 0.3, slices, (0.25, 0.7000000476837158))
    assert GroupThresholds.from_dict(json.loads(json.dumps(written.to_dict()))) == written
    cut = GroupThresholds(("age",), ("int",), 0.5, (("under 25",), ("25 and over",)), (0.25, 0.75), {"age": (25,)})
    assert GroupThresholds.from_dict(json.loads(json.dumps(cut.to_dict()))) == cut


@pytest.mark.parametrize(
    "arguments",
    [
        (("sex",), ("text",), 0.5, (("F", "M"),), (0.5,)),
        (("sex",), ("bytes",), 0.5, (("F",),), (0.5,)),
        (("sex",), ("text",), 0.5, (("F",), ("F",)), (0.5, 0.6)),
        (("sex",), ("text",), 0.5, (("F",),), (0.5, 0.6)),
        (("sex",), ("text",), 0.5, (), ()),
        ((), (), 0.5, ((),), (0.5,)),
    ],
)
def test_parts_that_do_not_fit_are_refused(arguments):
    with pytest.raises(ConfigError):
        GroupThresholds(*arguments)
