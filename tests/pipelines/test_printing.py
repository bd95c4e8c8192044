"""The printed summary: what comes out of the data is shown as it is."""

import ast
import io
from typing import Any

import pytest

from tfx_automl.pipelines.printing import print_summary


def summary_of(name: str, value: str) -> dict[str, Any]:
    """A summary of a run in which one name and one value from the data stand wherever they can."""
    trial = {"trial_id": 0, "epochs": 3, "score": 0.8, "seconds": 1.5, "values": {"layers": 2, "scale": value}}
    trial |= {"metrics": {"val_auc": 0.8}, "feasible": True}
    return {
        "task": "binary",
        "rows": {
            "read": 100,
            "splits": {"train": 70, "eval": 15, "test": 15},
            "dropped_without_label": 0,
            "rejected": 0,
        },
        "notes": [f"note of {value}"],
        "features": {
            "kept": [{"name": name, "kind": "number", "reason": f"kept as {value}"}],
            "dropped": [{"name": f"{name} too", "kind": "none", "reason": f"dropped as {value}"}],
        },
        "anomalies": [{"split": "eval", "column": name, "what": f"unexpected {value}"}],
        "trials": {
            "count": 1,
            "epochs": 3,
            "objective": "val_auc",
            "direction": "max",
            "objectives": [{"metric": "val_auc", "direction": "max"}],
            "constraints": [],
            "ranking": [0],
            "ensemble": None,
            "stop_reason": f"stopped by {value}",
            "table": [trial],
        },
        "best_hyperparameters": {"layers": 2, "scale": value},
        "trainer": {
            "mode": "retrain_all",
            "epochs": 7,
            "trained_on": ["train", "eval"],
            "threshold": {"value": 0.25, "chosen_by": "f1"},
        },
        "test_metrics": {"auc": 0.8},
        "baseline_metrics": {"majority": {"auc": 0.5}, "positive": 1},
        "slices": [{"feature": name, "value": value, "count": 15, "too_small": True, "metrics": {"auc": None}}],
        "gaps": {name: {"accuracy_difference": 0.1}},
        "worst_slice": {
            "feature": name,
            "value": value,
            "metric": "accuracy",
            "score": 0.7,
            "best_value": "best",
            "best_score": 0.8,
            "difference": 0.1,
        },
        "blessed": True,
        "reasons": [f"accuracy_difference for {name} and {value} is fine"],
        "reports": {"fairness": "runs/x/report.html"},
        "pushed_model": "runs/x/serving/1",
        "how_to_call": ["print('called')"],
    }


def printed(summary: dict[str, Any]) -> str:
    stream = io.StringIO()
    print_summary(summary, stream)
    return stream.getvalue()


@pytest.mark.parametrize("text", ["rate [/s]", "speed [m/s]", "[red]", "[/]", "[bold]x[/bold]", ":smile:"])
def test_square_brackets_are_no_markup(text):
    plain = printed(summary_of("NAME", "VALUE"))
    shown = printed(summary_of(text, "VALUE"))
    assert shown.count(text) == plain.count("NAME") > 5
    shown = printed(summary_of("NAME", text))
    assert shown.count(text) == plain.count("VALUE") > 5


@pytest.mark.parametrize("width", [40, 80, 200])
def test_code_can_be_copied_from_a_terminal_of_any_width(width, monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("TERM", "xterm")
    folder = "/data/somebody/with a long name/" + "deep/" * 20
    code = ["import json", f"row = json.load(open({folder + '[1].json'!r}))['instances'][0]", "print(row)"]
    terminal = Terminal()
    print_summary(summary_of("NAME", "VALUE") | {"how_to_call": code}, terminal)
    _, _, below = terminal.getvalue().partition("\nTo call it:\n\n")
    assert below == "\n".join(code) + "\n"
    ast.parse(below)


def test_nothing_to_call_where_nothing_was_pushed():
    shown = printed(summary_of("NAME", "VALUE") | {"pushed_model": None, "how_to_call": []})
    assert "Nothing was pushed." in shown
    assert "To call it" not in shown


def test_trials_within_the_bounds_come_first():
    summary = summary_of("NAME", "VALUE")
    good = summary["trials"]["table"][0] | {"trial_id": 1, "metrics": {"val_auc": 0.8, "latency_ms": 1.25}}
    broken = good | {"trial_id": 0, "metrics": {"val_auc": 0.9, "latency_ms": 2.5}, "feasible": False}
    summary["trials"] |= {"table": [broken, good], "ranking": [1, 0], "constraints": ["latency_ms<=2"]}
    shown = printed(summary)
    assert "best by val_auc within latency_ms<=2 (" in shown
    assert shown.index("0.8000") < shown.index("0.9000") < shown.index("(breaks a bound)")
    assert shown.index("1.2500") < shown.index("2.5000")
    assert shown.count("breaks a bound") == 1


def test_reasons_speak_of_flags():
    gate = "2 gaps between groups have no bound in max_gaps: they are reported but not gated."
    shown = printed(summary_of("NAME", "VALUE") | {"reasons": [gate, "auc for max_gaps is fine."]})
    assert "2 gaps between groups have no bound (--max-gap): they are reported but not gated." in shown
    assert "auc for max_gaps is fine." in shown


def test_final_model_is_told():
    summary = summary_of("a", "b")
    line = "Final model: retrain_all, 7 epochs on train and eval; positive from 0.25 on, best by f1"
    assert line in printed(summary)
    summary["trainer"]["threshold"] = None
    assert "7 epochs on train and eval\n" in printed(summary)


def test_thresholds_by_group_are_told():
    summary = summary_of("sex", "f")
    slices = [{"values": [value], "threshold": threshold} for value, threshold in (("f", 0.31), ("m", 0.6215))]
    own = {"features": ["sex"], "criterion": "demographic_parity", "common": 0.25, "slices": slices}
    assert "Thresholds by group" not in printed(summary)
    summary["trainer"]["threshold"]["groups"] = own
    line = "Thresholds by group of sex for demographic_parity: f 0.31, m 0.6215; any other row 0.25"
    assert line in printed(summary).splitlines()
    own["slices"] = [{"values": [number, "x"], "threshold": 0.5} for number in range(20)]
    shown = " ".join(printed(summary).split())
    assert "7 and x 0.5 and 12 more; any other row" in shown and "8 and x" not in shown


def test_worst_group_is_named():
    shown = printed(summary_of("sex", "F"))
    assert "Worst group: sex = F: accuracy 0.700, 0.100 below best (0.800)" in shown
    assert "Worst group" not in printed(summary_of("sex", "F") | {"worst_slice": None})


def test_ensemble_is_told_of():
    summary = summary_of("age", "x")
    assert "Ensemble" not in printed(summary)
    members = [{"weight": 0.75, "trial_id": 4, "values": {"family": "mlp"}}]
    members.append({"weight": 0.25, "trial_id": 2, "values": {"family": "linear"}})
    summary["trials"]["ensemble"] = {"score": 0.91, "best_single": 0.9, "members": members}
    text = " ".join(printed(summary).split())
    assert "Ensemble: val_auc 0.9100, the best trial alone 0.9000: 0.75 × mlp (4), 0.25 × linear (2)" in text
