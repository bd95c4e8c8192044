"""What was decided, and on what grounds."""

from collections.abc import Mapping
from typing import Any

from tfx_automl.components.evaluator.report.markup import Markup, element
from tfx_automl.components.evaluator.report.text import Report, shorten

_LONGEST_REASON = 600  # one may name thousands of groups that were left out


def subtitle(report: Report) -> str:
    """Returns what was evaluated, in one sentence."""
    task = report["task"]
    parts = [f"{report['rows']:,} rows of the split {', '.join(report['splits'])}"]
    if task["kind"] == "binary":
        positive = shorten(task["classes"][1])
        threshold = report["decision_threshold"]
        parts.append(f"positive means “{positive}”, predicted when its probability is at least {threshold:g}")
        if own := report.get("group_thresholds"):
            parts[-1] += f", or the own threshold of the row's group of {shorten(' and '.join(own['features']))}"
    if task["kind"] == "multiclass":
        parts.append(f"{len(task['classes'])} classes, the most probable one is predicted")
    if report["gaps"]:
        parts.append(f"groups with fewer than {report['min_slice_size']} rows are not judged")
    return "; ".join(parts) + "."


def verdict(report: Report) -> Markup:
    """Returns the verdict with its reasons."""
    title, kind = _title(report)
    checks = {check["reason"]: check for check in report["checks"]}
    items = [
        element("li", _mark(checks.get(reason, {})), shorten(reason, _LONGEST_REASON)) for reason in report["reasons"]
    ]
    return element(
        "section",
        element("h2", title),
        element("ul", *items),
        element("p", _certainty(report), class_="certainty"),
        class_=f"verdict {kind}",
        aria_label="Verdict",
    )


def _title(report: Report) -> tuple[str, str]:
    """Returns the verdict in a few words, and its look."""
    if not report["blessed"]:
        return "✕ Not blessed: this model will not be pushed", "bad"
    if all(check["passed"] is None for check in report["checks"]):
        return "· Nothing was judged: no bound was given, so nothing refuses this model", "note"
    return "✓ Blessed: this model may be pushed", "good"


def _mark(check: Mapping[str, Any]) -> Markup:
    kind, sign, spoken = {
        True: ("good", "✓", "passed"),
        False: ("waived", "!", "waived") if check.get("waiver") else ("bad", "✕", "failed"),
        None: ("note", "·", "not gated"),
    }[check.get("passed")]
    return element("span", sign, class_=f"mark-{kind}", role="img", aria_label=spoken)


def _certainty(report: Report) -> str:
    if not report["replicates"]:
        return "Values have no confidence intervals: none were asked for (replicates is 0)."
    drawn = f"Intervals hold with 95 % confidence; they come from {report['replicates']} bootstrap replicates."
    if report["evidence"] != "confident":
        return f"{drawn} The gate compares values with bounds and does not look at intervals."
    return f"{drawn} A value beyond its bound refuses the model only if its whole interval is beyond it."


def status(check: Mapping[str, Any], kind: str) -> Markup:
    """Returns a chip that tells what the gate made of a gap.

    Args:
        check: Of the gap, as in `checks`.
        kind: `difference` or `ratio`.
    """
    value, bound, passed = check["value"], check["bound"], check["passed"]
    if passed is None:
        return element("span", "not gated", class_="chip plain")
    if check.get("waiver"):
        return element("span", f"! waived (bound {bound:g})", class_="chip note")
    beyond = value is not None and (value < bound if kind == "ratio" else value > bound)
    word = "✕ refused" if not passed else "✓ not certainly beyond" if beyond else "✓ within"
    return element("span", f"{word} (bound {bound:g})", class_=f"chip {'good' if passed else 'bad'}")
