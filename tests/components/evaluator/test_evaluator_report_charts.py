"""Bars, ROC curves and calibration plots."""

import re
from typing import Any

import numpy as np
import pytest
import sklearn.metrics as sk
from reports_for_tests import make_report, make_rows

from tfx_automl.components.evaluator.columnar.curves import histogram_of
from tfx_automl.components.evaluator.report.bars import Bar, bar_chart
from tfx_automl.components.evaluator.report.curve_section import curves_of
from tfx_automl.components.evaluator.report.curves import calibration, roc, roc_at
from tfx_automl.components.evaluator.report.limits import Limits
from tfx_automl.components.evaluator.report.lines import STYLES, Axes, Line, line_chart
from tfx_automl.components.evaluator.report.text import slices_of

AXES = Axes("Title", "across", "up")


@pytest.fixture(scope="module")
def rows() -> tuple[np.ndarray, np.ndarray]:
    predictions = make_rows(seed=3)
    return predictions.label == 1, predictions.score


@pytest.fixture(scope="module")
def histogram(rows: tuple[np.ndarray, np.ndarray]) -> list[list[float]]:
    return histogram_of(*rows).T.tolist()


class TestBars:
    def test_bars_grow_from_zero_in_both_directions(self) -> None:
        chart = bar_chart("Mean", [Bar("a", -2.0), Bar("b", 4.0), Bar("c", None)], None, share=False)
        widths = [float(width) for width in re.findall(r'<rect[^>]* width="([\d.]+)"', chart)]
        lefts = [float(left) for left in re.findall(r'<rect x="([\d.]+)"', chart)]
        assert widths == [80.0, 160.0]
        assert lefts == [0.0, 80.0]
        assert "c –" in chart
        assert chart.count('class="zero"') == 3

    def test_whiskers_lie_at_the_ends_of_the_interval(self) -> None:
        chart = bar_chart("Rate", [Bar("a", 0.5, interval=(0.25, 0.75)), Bar("b", 0.5)], 0.5, share=True)
        (whisker,) = re.findall(r'<path d="M(\d+) [\d.]+H(\d+)[^"]*" class="whisker"', chart)
        assert whisker == ("60", "180")
        assert "a 50.0\u00a0% (25.0 to 75.0\u00a0%); b 50.0\u00a0%." in chart

    def test_axis_has_room_for_intervals(self) -> None:
        chart = bar_chart("Mean", [Bar("a", 1.0, interval=(-1.0, 3.0))], None, share=False)
        assert re.search(r'd="M0 [\d.]+H240M', chart)


class TestCurves:
    def test_points_are_the_rates_at_each_threshold(self, rows: Any, histogram: list[list[float]]) -> None:
        positive, score = rows
        points = roc(histogram)
        assert points[0] == (0.0, 0.0)
        assert points[-1] == (1.0, 1.0)
        assert len(points) == 102
        for hundredth in (0, 7, 50, 100):
            chosen = score.astype(np.float32) >= np.float32(hundredth / 100)
            assert roc_at(points, hundredth) == pytest.approx((chosen[~positive].mean(), chosen[positive].mean()))

    def test_area_is_nearly_that_of_all_thresholds(self, rows: Any, histogram: list[list[float]]) -> None:
        x, y = np.array(roc(histogram)).T
        assert np.sum(np.diff(x) * (y[1:] + y[:-1]) / 2) == pytest.approx(sk.roc_auc_score(*rows), abs=0.002)

    def test_no_curve_without_both_classes(self) -> None:
        assert roc([[1.0] * 101, [0.0] * 101, [0.0] * 101]) == []

    def test_calibration_is_by_tenths(self, rows: Any, histogram: list[list[float]]) -> None:
        positive, score = rows
        buckets = calibration(histogram)
        assert len(buckets) == 10
        within = (score >= 0.3) & (score < 0.4)
        assert buckets[3] is not None
        assert buckets[3].rows == within.sum()
        assert buckets[3].score == pytest.approx(score[within].mean())
        assert buckets[3].positive == pytest.approx(positive[within].mean())

    def test_scores_of_1_are_in_the_last_tenth_and_empty_ones_are_none(self) -> None:
        found = calibration(histogram_of(np.array([True, False]), np.array([1.0, 0.9])).T.tolist())
        assert found[:9] == [None] * 9
        assert found[9] is not None
        assert (found[9].rows, found[9].positive) == (2, 0.5)


class TestLines:
    def test_points_are_drawn_from_bottom_left_to_top_right(self) -> None:
        chart = line_chart(AXES, [Line("a", [(0.0, 0.0), (1.0, 1.0)], "style-0")])
        assert chart.count('d="M36 216L292 8"') == 2  # the diagonal, too
        assert 'aria-label="Title: up over across. a."' in chart

    def test_legend_tells_lines_apart_without_colours(self) -> None:
        chart = line_chart(AXES, [Line("a", [(0.0, 1.0)], "style-0", dots=True), Line("b", [], "style-1")])
        assert chart.count('class="style-0"') == 2  # the line and the legend
        assert chart.count('class="style-1"') == 1  # no points: the legend alone
        assert chart.count("<circle") == 1

    def test_every_style_has_dashes_of_its_own(self) -> None:
        from tfx_automl.components.evaluator.report.assets import read_asset

        style = read_asset("style.css")
        dashes = [re.findall(rf"\.style-{number} {{[^}}]*--dash: ([^;]+);", style) for number in range(STYLES)]
        dashes.append(re.findall(r"\.style-all {[^}]*--dash: ([^;]+);", style))
        assert all(len(dash) == 1 for dash in dashes)
        assert len({dash[0] for dash in dashes}) == STYLES + 1


class TestSection:
    @pytest.fixture(scope="class")
    def content(self) -> dict[str, Any]:
        return make_report(make_rows(), replicates=0)

    def test_groups_are_divided_over_charts(self, content: dict[str, Any]) -> None:
        slices = slices_of(content, "sex,race")
        judged = [part for part in slices if not part["too_small"]]
        assert STYLES < len(judged) < len(slices)
        section = curves_of(content, slices, Limits())
        assert section.count("<figure") == 2 * -(-len(judged) // STYLES)
        for part in judged:
            assert f"{', '.join(part['values'])}: AUC {part['metrics']['auc']:.3f}" in section

    def test_numbers_are_there_as_tables(self, content: dict[str, Any]) -> None:
        section = curves_of(content, slices_of(content, "sex"), Limits())
        assert section.count("<details>") == 2
        _, male = slices_of(content, "sex")
        fpr, tpr = roc_at(roc(male["histogram"]), 50)
        assert tpr == pytest.approx(male["metrics"]["tpr"])
        cell = f'<td>{100 * tpr:.1f}\u00a0% <span class="range">{100 * fpr:.1f}\u00a0%</span></td>'
        assert cell in section

    def test_largest_groups_are_shown(self, content: dict[str, Any]) -> None:
        section = curves_of(content, slices_of(content, "race"), Limits(curves=1))
        assert "White: AUC" in section
        assert "Black: AUC" not in section
        assert "The 1 largest groups are shown" in section

    @pytest.mark.parametrize("kind", ["multiclass", "regression"])
    def test_other_tasks_have_none(self, kind: str) -> None:
        content = make_report(make_rows(kind, rows=300), replicates=0)
        assert curves_of(content, slices_of(content, "sex"), Limits()) == ""
