"""A run's output folder as the views read it, made by hand, with names from the data that would be HTML."""

import base64
import html.parser
import json
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import pytest

from tfx_automl.pipelines.output import OutputFolder

EVIL = "<script>alert('x')</script>\x07"
ARTIFACTS = {
    "Tuner": {"tuner_results": "artifacts/Tuner/tuner_results/7"},
    "StatisticsGen": {"statistics": "artifacts/StatisticsGen/statistics/2"},
    "Evaluator": {"fairness_report": "artifacts/Evaluator/fairness_report/9"},
}


class Page(html.parser.HTMLParser):
    """What stands in a piece of HTML: tags, texts, frames, and pictures decoded; every element must be closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""
        self.frames: list[str] = []
        self.pictures: list[ElementTree.Element] = []
        self._open: list[str] = []
        self.feed(text)
        assert not self._open

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append(tag)
        found = dict(attrs)
        if tag == "iframe":
            assert found["sandbox"] == "allow-scripts allow-downloads allow-popups"
            self.frames.append(found["srcdoc"])
        if tag == "img":
            assert found["alt"]
            kind, data = found["src"].split(",")
            assert kind == "data:image/svg+xml;base64"
            self.pictures.append(ElementTree.fromstring(base64.b64decode(data).decode()))
        else:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: Any) -> None:
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    @property
    def drawn(self) -> str:
        """All words in the pictures."""
        return " ".join("".join(picture.itertext()) for picture in self.pictures)


@pytest.fixture(scope="session")
def look() -> Any:
    """A function from a view to its page; a view needs nothing but itself, in a notebook as in a file."""

    def read(view: Any) -> Page:
        fragment = view._repr_html_()
        outside = re.sub(r'srcdoc="[^"]*"', "", fragment)
        assert not re.search(r"<script|<link|https?://|url\(|@import|\son\w+=", outside)
        return Page(fragment)

    return read


@pytest.fixture(scope="session")
def evil() -> str:
    return EVIL


def trial(number: int, family: str, score: float | None, epochs: int = 3, **more: Any) -> dict[str, Any]:
    metrics = {} if score is None else {"val_auc": score, "latency_ms": 2.0 - score, "parameters": 10.0**number}
    curve = [
        {"epoch": n, "seconds": 0.1, "val_auc": (score or 0) - 0.01 * (epochs - n), EVIL: 1.0}
        for n in range(1, epochs + 1)
    ]
    return {
        "trial_id": number,
        "values": {
            "family": family,
            "units": 32 * (number + 1),
            "learning_rate": 10.0 ** -(number % 5),
            EVIL: f"{EVIL}{number % 2}",
        },
        "status": "failed" if score is None else "completed",
        "score": score,
        "feasible": None if score is None else True,
        "epochs": len(curve) if score is not None else 0,
        "metrics": metrics,
        "curve": curve if score is not None else [],
        "seconds": 1.5,
        "error": f"Traceback\nValueError: {EVIL}" if score is None else None,
        **more,
    }


@pytest.fixture
def trials() -> dict[str, Any]:
    """The content of trials.json: nine trials that are the better the later they came, and one that failed."""
    found = [trial(n, "mlp" if n % 3 else "linear", 0.7 + 0.02 * n, feasible=n != 8) for n in range(9)]
    found.append(trial(9, "mlp", None))
    return {
        "objective": "val_auc",
        "direction": "max",
        "objectives": [{"metric": "val_auc", "direction": "max"}],
        "constraints": [],
        "stop_reason": "schedule complete",
        "ranking": [7, 6, 5, 4, 3, 2, 1, 0, 8],
        "pareto_front": [7],
        "total_epochs": 27,
        "seconds": 12.5,
        "trials": found,
    }


def statistics_message(rows: int, shift: float = 0.0) -> Any:
    """TFDV's statistics of two features."""
    from tensorflow_metadata.proto.v0 import statistics_pb2

    found = statistics_pb2.DatasetFeatureStatisticsList()
    dataset = found.datasets.add(num_examples=rows)
    age = dataset.features.add(type=statistics_pb2.FeatureNameStatistics.FLOAT)
    age.path.step.append("age")
    age.num_stats.common_stats.num_non_missing = rows - 10
    for name, value in {"mean": 40.5 + shift, "std_dev": 9.5, "min": 18, "median": 39, "max": 90}.items():
        setattr(age.num_stats, name, value)
    histogram = age.num_stats.histograms.add(type=statistics_pb2.Histogram.STANDARD)
    for n in range(10):
        histogram.buckets.add(low_value=n, high_value=n + 1, sample_count=n)
    job = dataset.features.add(type=statistics_pb2.FeatureNameStatistics.STRING)
    job.path.step.append(EVIL)
    job.string_stats.common_stats.num_non_missing = rows
    job.string_stats.unique = 2
    for value, frequency in ((EVIL, rows * 3 // 4), ("nurse", rows // 4)):
        job.string_stats.top_values.add(value=value, frequency=frequency)
    empty = dataset.features.add(type=statistics_pb2.FeatureNameStatistics.FLOAT)
    empty.path.step.append("nothing")
    empty.num_stats.common_stats.num_missing = rows
    return found


@pytest.fixture
def run(tmp_path: Path, trials: dict[str, Any]) -> Path:
    """The output folder of a finished run with a search and statistics."""
    output = OutputFolder.at(str(tmp_path / "run"))
    output.create()
    for outputs in ARTIFACTS.values():
        for folder in outputs.values():
            (output.root / folder).mkdir(parents=True)
    output.summary.write_text(json.dumps({"artifacts": ARTIFACTS}), encoding="utf-8")
    (output.root / ARTIFACTS["Tuner"]["tuner_results"] / "trials.json").write_text(json.dumps(trials))
    for split, rows in (("eval", 100), ("train", 1000)):
        folder = output.root / ARTIFACTS["StatisticsGen"]["statistics"] / f"Split-{split}"
        folder.mkdir()
        (folder / "FeatureStats.pb").write_bytes(statistics_message(rows).SerializeToString())
    return output.root


@pytest.fixture
def search_folder(run: Path) -> Path:
    return run / ARTIFACTS["Tuner"]["tuner_results"]


@pytest.fixture
def report_folder(run: Path) -> Path:
    return run / ARTIFACTS["Evaluator"]["fairness_report"]


@pytest.fixture
def statistics_folder(run: Path) -> Path:
    return run / ARTIFACTS["StatisticsGen"]["statistics"]
