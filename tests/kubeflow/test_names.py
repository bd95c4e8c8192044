"""Names that Argo accepts, and YAML that YAML 1.1 reads as it was meant."""

import re

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from tfx_automl.kubeflow.names import Names, kebab
from tfx_automl.kubeflow.yaml_text import to_yaml

ARGO = re.compile(r"[a-zA-Z0-9][-a-zA-Z0-9]*")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Tuner", "tuner"),
        ("CsvExampleGen", "csv-example-gen"),
        ("CSVExampleGen", "csv-example-gen"),
        ("Say.yes", "say-yes"),
        ("my_task_2", "my-task-2"),
        ("évaluation", "valuation"),
        ("__", "task"),
    ],
)
def test_kebab(text, name):
    assert kebab(text) == name


@given(st.text())
def test_every_name_is_one_of_argo(text):
    name = kebab(text)
    assert ARGO.fullmatch(name)
    assert len(name) <= 50


def test_long_names_stay_different():
    assert kebab("a" * 80) != kebab("a" * 81)


@given(st.lists(st.text(max_size=4)))
def test_names_are_unique(texts):
    names = Names()
    assert len({names.unique(text) for text in texts}) == len(texts)


# What YAML 1.1 takes for something else than a text when it stands there without quotes.
TRAPS = ["n", "y", "on", "no", "Yes", "1e3", "1_000", "0x1F", "1:30", "2026-01-01", "~", "null", ".inf", "=", "<<", " "]


@pytest.mark.parametrize("text", TRAPS)
def test_traps(text):
    written = to_yaml({text: text, "list": [text], "block": f"{text}\nb\n  c"})
    assert yaml.safe_load(written) == {text: text, "list": [text], "block": f"{text}\nb\n  c"}
    for line in written.splitlines():
        assert re.fullmatch(r' *(- )?(".*"(: (".*"|\|-))?|"list":|"block":.*|[^"]*)', line), line


printable = st.text(st.characters(exclude_categories=["Cs"]))
values = st.recursive(
    printable | st.integers() | st.booleans() | st.floats(allow_nan=False),
    lambda part: st.lists(part, max_size=4) | st.dictionaries(printable, part, max_size=4),
    max_leaves=8,
)


@settings(max_examples=40)
@given(st.dictionaries(printable, values, max_size=4))
def test_yaml_comes_back_as_it_was(document):
    assert yaml.safe_load(to_yaml(document)) == document


def test_order_does_not_matter():
    assert to_yaml({"a": 1, "b": 2}) == to_yaml({"b": 2, "a": 1})
