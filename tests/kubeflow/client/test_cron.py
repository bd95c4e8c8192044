"""Schedules: what Kubeflow and Vertex get of what people write."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfx_automl.errors import ConfigError
from tfx_automl.kubeflow.client.cron import for_target


@pytest.mark.parametrize(
    ("text", "kubeflow", "vertex"),
    [
        ("30 6 * * 1", "0 30 6 * * 1", "30 6 * * 1"),
        ("0 30 6 * * MON-FRI", "0 30 6 * * MON-FRI", "30 6 * * MON-FRI"),
        ("*/15  0-6,22 1,15 jan ?", "0 */15 0-6,22 1,15 jan ?", "*/15 0-6,22 1,15 jan ?"),
        ("5/10 * * * *", "0 5/10 * * * *", "5/10 * * * *"),
    ],
)
def test_both_kinds(text, kubeflow, vertex):
    assert for_target(text, "kubeflow") == kubeflow
    assert for_target(text, "vertex") == vertex


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("@daily", "expected five fields as cron has them .* got 1: '@daily'"),
        ("* * * * * * *", "got 7"),
        ("60 * * * *", "'60' is no minutes; expected 0 to 59"),
        ("* 24 * * *", "'24' is no hours; expected 0 to 23"),
        ("* * 0 * *", "'0' is no day of the month; expected 1 to 31"),
        ("* * * 13 *", "'13' is no month; expected 1 to 12 or JAN to DEC"),
        ("* * * * 7", "'7' is no day of the week; expected 0 to 6 or SUN to SAT"),
        ("30-10 * * * *", "'30-10' is no minutes"),
        ("*/0 * * * *", "'\\*/0' is no minutes"),
        ("*/90 * * * *", "'\\*/90' is no minutes"),
        ("? * * * *", "'\\?' is no minutes"),
        ("1, * * * *", "'' is no minutes"),
        ("-5 * * * *", "'-5' is no minutes"),
        ("* * * FOO *", "'FOO' is no month"),
        ("99 * * * * *", "'99' is no seconds"),
    ],
)
def test_mistakes(text, complaint):
    with pytest.raises(ConfigError, match=complaint):
        for_target(text, "kubeflow")


def test_every_wrong_field_is_named():
    with pytest.raises(ConfigError) as caught:
        for_target("60 24 * * 8", "kubeflow")
    assert len(caught.value.problems) == 3


def test_vertex_has_no_seconds():
    with pytest.raises(ConfigError, match="the first of six fields must be 0, got '30'"):
        for_target("30 0 6 * * 1", "vertex")


@given(st.tuples(st.integers(0, 59), st.integers(0, 23), st.integers(1, 31), st.integers(1, 12), st.integers(0, 6)))
def test_any_single_time(numbers):
    text = " ".join(map(str, numbers))
    assert for_target(text, "kubeflow") == f"0 {text}"
    assert for_target(f"0 {text}", "vertex") == text


@given(st.text(alphabet="0123456789*/,-?AJNsu ", max_size=20))
def test_any_text_is_taken_or_refused(text):
    try:
        assert len(for_target(text, "kubeflow").split()) == 6
    except ConfigError as error:
        assert all(problem.startswith("--schedule: ") for problem in error.problems)
