"""From files to splits on disk: the same values, every row once, and the same files for every number of workers."""

import csv
import gzip
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tfx_automl.components.example_gen import ingest as module
from tfx_automl.components.example_gen import pool, splits, table, tfrecords, writer
from tfx_automl.components.example_gen.ingest import Division, Ingested, ingest
from tfx_automl.components.example_gen.options import ReadOptions
from tfx_automl.components.example_gen.pool import LocalPool
from tfx_automl.components.example_gen.table import read_table
from tfx_automl.errors import DataError

RATIOS = {"train": 70, "eval": 15, "test": 15}
Row = dict[str, Any]


def _rows(count: int = 400) -> list[Row]:
    return [
        {
            "id": number,
            "big": 2**53 + number,
            "ratio": number / 8 if number % 7 else None,
            "text": None if number % 5 == 0 else f'é "{number}", \n;',
            "day": f"2020-01-{number % 28 + 1:02d}",
            "label": "yes" if number % 4 == 0 else "no",
        }
        for number in range(count)
    ]


def _csv(path: Path, rows: list[Row], names: list[str] | None = None) -> None:
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, names or list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def _json(path: Path, rows: list[Row]) -> None:
    path.write_text("".join(json.dumps({k: v for k, v in row.items() if v is not None}) + "\n" for row in rows))


def _parquet(path: Path, rows: list[Row]) -> None:
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    days = pa.array(np.array(columns["day"], "datetime64[D]"))
    pq.write_table(pa.table({**columns, "day": days}), path, row_group_size=50)


def _features(path: Path) -> list[Row]:
    from tensorflow.core.example import example_pb2

    found = []
    for record in tfrecords.records(gzip.decompress(path.read_bytes())):
        features = example_pb2.Example.FromString(record).features.feature
        values = {name: _values(feature) for name, feature in features.items()}
        found.append({name: value for name, [value] in values.items() if value is not None})
    return found


def _values(feature: Any) -> list[Any]:
    values = [*feature.int64_list.value, *feature.float_list.value, *feature.bytes_list.value]
    return [value.decode() if isinstance(value, bytes) else value for value in values] or [None]


def _written(folder: Path) -> dict[str, list[Row]]:
    """The rows of each split, without what is missing."""
    found: dict[str, list[Row]] = {}
    for split in sorted(folder.glob("Split-*")):
        rows = found.setdefault(split.name.removeprefix("Split-"), [])
        for path in sorted(split.iterdir()):
            if path.suffix == ".gz":
                rows += _features(path)
            else:
                rows += [_single(row) for row in pq.read_table(path).to_pylist()]
    return found


def _single(row: dict[str, list[Any] | None]) -> Row:
    """The payload holds lists, of which all have one value here."""
    found = {name: value for name, values in row.items() if values is not None for [value] in [values]}
    return {name: value.decode() if isinstance(value, bytes) else value for name, value in found.items()}


def _stored(rows: list[Row]) -> Counter[str]:
    """What should be written of some rows, in any order."""
    days = {f"2020-01-{day:02d}": 1577836800 + 86400 * (day - 1) for day in range(1, 32)}
    kept = [{k: days.get(v, v) for k, v in row.items() if v is not None} for row in rows]
    return Counter(json.dumps(row, sort_keys=True).replace("\\n", "").replace(" ;", ";") for row in kept)


def _found(rows: list[Row]) -> Counter[str]:
    return Counter(json.dumps(row, sort_keys=True).replace("\\n", "").replace(" ;", ";") for row in rows)


def _ingest(path: Path | str, folder: Path, workers: int = 1, payload: str = "tfrecord", **options: Any) -> Ingested:
    read = ReadOptions(**{"label": "label", "shard_bytes": 2048, **options})
    return ingest([Division(str(path), RATIOS)], read, folder, payload, LocalPool(workers))


def _files(folder: Path) -> dict[str, Any]:
    """The content of each file. Of examples, the values: protocol buffers write the features in no certain order."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {
        str(path.relative_to(folder)): _features(path) if path.suffix == ".gz" else path.read_bytes() for path in files
    }


@pytest.mark.parametrize("payload", ["tfrecord", "parquet"])
@pytest.mark.parametrize(("name", "write"), [("t.csv", _csv), ("t.jsonl", _json), ("t.parquet", _parquet)])
def test_every_value_is_written_once(tmp_path, name, write: Callable[[Path, list[Row]], None], payload):
    write(tmp_path / name, _rows())
    found = _ingest(tmp_path / name, tmp_path / "out", payload=payload)
    written = _written(tmp_path / "out")
    assert _found([row for rows in written.values() for row in rows]) == _stored(_rows())
    assert found.counts.splits == {split: len(rows) for split, rows in written.items()}
    assert (found.counts.read, found.counts.rejected, found.moments) == (400, 0, ("day",))
    # Exact shares of each class, however many blocks there are.
    classes = {split: Counter(row["label"] for row in rows) for split, rows in written.items()}
    assert classes == {
        "train": {"yes": 70, "no": 210},
        "eval": {"yes": 15, "no": 45},
        "test": {"yes": 15, "no": 45},
    }


@pytest.mark.slow
@pytest.mark.parametrize("payload", ["tfrecord", "parquet"])
def test_files_are_the_same_for_every_number_of_workers(tmp_path, monkeypatch, payload):
    monkeypatch.setattr(pool, "WORTH_PROCESSES", 0)
    _csv(tmp_path / "a.csv", _rows())
    (tmp_path / "b.csv").write_text("label,text\nno," + 'x" y\n' * 3)  # ragged and irregular
    (tmp_path / "b.csv").write_text(
        ",".join(reversed(list(_rows()[0]))) + "\n" + 'yes,2020-01-01,6" pipe,1.5,1,100000\nno,bad\n', encoding="utf-8"
    )
    outputs = []
    for workers in (1, 3):
        folder = tmp_path / str(workers)
        found = _ingest(tmp_path / "*.csv", folder, workers, payload, on_bad_row="skip")
        outputs.append((found, _files(folder)))
    assert outputs[0] == outputs[1]
    assert outputs[0][0].counts.read == 402 and outputs[0][0].counts.rejected == 1
    assert len(outputs[0][1]) > 10


def test_files_with_columns_in_another_order_and_types_that_only_one_tells(tmp_path):
    first = [{"id": number, "empty": "", "label": number % 2} for number in range(30)]
    second = [{"id": number + 0.5, "empty": f"x{number}", "label": number % 2} for number in range(30)]
    _csv(tmp_path / "a.csv", first)
    _csv(tmp_path / "b.csv", second, ["label", "empty", "id"])
    found = _ingest(tmp_path / "?.csv", tmp_path / "out", task="binary")
    rows = [row for part in _written(tmp_path / "out").values() for row in part]
    assert found.counts.read == len(rows) == 60
    assert sorted(row["id"] for row in rows) == sorted(row["id"] for row in first + second)
    assert {row["id"]: row.get("empty") for row in rows} == {
        **{float(row["id"]): None for row in first},
        **{row["id"]: row["empty"] for row in second},
    }


_GOOD = [f"{number},x{number},{number % 2}" for number in range(60)]


def _bad_file(path: Path, encoding: str = "utf-8") -> Path:
    """Bad rows in the lines 5, 9, 20 and 23 to 24 of the file; the header is line 1."""
    lines = [line.encode() for line in ["id,text,label", *_GOOD]]
    lines[4] = b"3,x"
    lines[8] = b"7,caf\xe9,1"
    lines[19] = b"abc,x18,0"
    lines[22] = b'21,"not closed,1'
    path.write_bytes(b"\n".join(lines) + b"\n")
    return path


@pytest.mark.parametrize("shard_bytes", [1024, 1 << 20])
def test_bad_rows_are_skipped_counted_and_listed(tmp_path, shard_bytes):
    found = _ingest(
        _bad_file(tmp_path / "t.csv"), tmp_path / "out", on_bad_row="skip", types={"id": "int"}, shard_bytes=shard_bytes
    )
    assert (found.counts.read, found.counts.rejected, sum(found.counts.splits.values())) == (60, 4, 56)
    with open(tmp_path / "out" / "rejected.csv", encoding="utf-8") as file:
        rejected = list(csv.DictReader(file))
    assert [row["row"] for row in rejected] == ["5", "9", "20", "23"]
    assert all(row["file"] == str(tmp_path / "t.csv") for row in rejected)
    reasons = [row["reason"] for row in rejected]
    assert "2 columns where 3 are expected" in reasons[0]
    assert "byte 6 is not UTF-8" in reasons[1]
    assert "column 'id': 'abc' is not of the type int64" in reasons[2]
    assert "a quote is not closed" in reasons[3]
    ids = {row["id"] for rows in _written(tmp_path / "out").values() for row in rows}
    assert ids == set(range(60)) - {3, 7, 18, 21}


def test_the_first_bad_row_stops_the_run(tmp_path):
    with pytest.raises(DataError) as caught:
        _ingest(_bad_file(tmp_path / "t.csv"), tmp_path / "out", types={"id": "int"})
    assert str(caught.value) == (
        f"{tmp_path}/t.csv, row 5 (line 5): 2 columns where 3 are expected; mend the row, or quote values that"
        " hold ','. 3 more rows cannot be read."
    )
    assert not list(tmp_path.glob("out/Split-*"))


def test_a_value_that_is_not_of_the_given_type_names_file_row_and_column(tmp_path):
    (tmp_path / "t.csv").write_text("id,label\n" + "1,0\n" * 40 + "x,1\n" + "1,0\n" * 9)
    with pytest.raises(DataError, match=r"t\.csv, row 42.*: column 'id': 'x' is not of the type int64; mend the value"):
        _ingest(tmp_path / "t.csv", tmp_path / "out", types={"id": "int"}, shard_bytes=1024)


@pytest.mark.parametrize(
    "lines",
    [
        {4: '{"id": 3, "label": "a"', 9: "[8]", 30: '{"id": 1, "id": 2}'},
        {4: '{"id": "x", "label": "a"}', 9: '{"id": [[1]], "label": "a"}', 30: "nothing"},
    ],
)
def test_bad_json_lines_are_skipped_and_listed(tmp_path, lines):
    good = [json.dumps({"id": number, "label": "ab"[number % 2]}) for number in range(60)]
    path = tmp_path / "t.jsonl"
    path.write_text("\n".join(lines.get(number, line) for number, line in enumerate(good, 1)) + "\n", encoding="utf-8")
    found = _ingest(path, tmp_path / "out", on_bad_row="skip", types={"id": "int"}, shard_bytes=1024)
    assert (found.counts.read, found.counts.rejected) == (60, 3)
    with open(tmp_path / "out" / "rejected.csv", encoding="utf-8") as file:
        assert [int(row["row"]) for row in csv.DictReader(file)] == sorted(lines)


@pytest.mark.parametrize("late", ["400,1,2,x,2020-01-01,no\n", "z,1,2,x,2020-01-01,no\n", '5,"'])
def test_a_file_that_grows_between_the_passes(tmp_path, monkeypatch, late):
    path = tmp_path / "t.csv"
    _csv(path, _rows(60))

    def scan_then_grow(*arguments: Any) -> Any:
        found = scan(*arguments)
        with open(path, "a", encoding="utf-8") as file:
            file.write(late)
        return found

    for place, run in ((module, lambda: _ingest(path, tmp_path / "out")), (table, lambda: read_table(str(path)))):
        scan = place.scan
        with monkeypatch.context() as patch, pytest.raises(DataError) as caught:
            patch.setattr(place, "scan", scan_then_grow)
            run()
        assert "t.csv" in str(caught.value) or "A file" in str(caught.value)
        assert "\n" not in str(caught.value)
    assert not list(tmp_path.glob("out/Split-*"))


def test_a_crash_leaves_nothing_that_looks_complete_and_the_next_run_succeeds(tmp_path, monkeypatch):
    _csv(tmp_path / "t.csv", _rows())
    write, calls = writer.TfRecordWriter.write, []

    def fail_at_last(self: writer.TfRecordWriter, rows: pa.Table) -> None:
        calls.append(rows)
        if len(calls) > 5:
            raise RuntimeError("the disk is full")
        write(self, rows)

    with monkeypatch.context() as patch, pytest.raises(RuntimeError):
        patch.setattr(writer.TfRecordWriter, "write", fail_at_last)
        _ingest(tmp_path / "t.csv", tmp_path / "out")
    assert calls and not list(tmp_path.glob("out/Split-*"))
    _ingest(tmp_path / "t.csv", tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["Split-eval", "Split-test", "Split-train"]


def _split_of(folder: Path, column: str) -> dict[Any, set[str]]:
    homes: dict[Any, set[str]] = {}
    for split, rows in _written(folder).items():
        for row in rows:
            homes.setdefault(row.get(column), set()).add(split)
    return homes


@pytest.mark.parametrize("write", [_csv, _json], ids=["csv", "json"])
@pytest.mark.parametrize("most_exact", [splits.MOST_EXACT, 10])
def test_a_group_never_straddles_splits(tmp_path, monkeypatch, write, most_exact):
    monkeypatch.setattr(splits, "MOST_EXACT", most_exact)
    path = tmp_path / f"t.{'csv' if write is _csv else 'jsonl'}"
    # Groups are missing in whole blocks, and whole numbers in some blocks, fractions in others.
    groups = [
        None if number < 60 else number // 7 + (0.5 if number % 7 == 0 and number > 700 else 0)
        for number in range(1000)
    ]
    write(path, [{"id": number, "group": group} for number, group in enumerate(groups)])
    found = _ingest(path, tmp_path / "out", label=None, split_key="group", shard_bytes=1024)
    assert all(len(home) == 1 for home in _split_of(tmp_path / "out", "group").values())
    assert abs(found.counts.splits["train"] - 700) < 100


@pytest.mark.parametrize(
    "time_of",
    [
        lambda number: number,
        lambda number: number if number < 150 else number + 0.5,
        lambda number: -(2**53) - number if number % 2 else 2**53 + number,
        lambda number: f"2020-01-01 {number // 60:02d}:{number % 60:02d}:00",
        lambda number: "" if number < 90 else number,
    ],
    ids=["whole", "mixed", "large", "dates", "missing"],
)
def test_the_latest_rows_evaluate(tmp_path, time_of):
    order = np.random.default_rng(0).permutation(300) if time_of(0) != "" else np.arange(300)
    _csv(tmp_path / "t.csv", [{"id": number, "when": time_of(int(number))} for number in order])
    found = _ingest(tmp_path / "t.csv", tmp_path / "out", label=None, split_time="when", shard_bytes=1024)
    written = _written(tmp_path / "out")
    assert found.counts.splits == {"train": 210, "eval": 45, "test": 45}
    times = {split: [row.get("when", -(2**63)) for row in rows] for split, rows in written.items()}
    assert max(times["train"]) <= min(times["eval"]) and max(times["eval"]) <= min(times["test"])


def test_a_column_names_the_split(tmp_path):
    names = ["train", "Validation", "TEST"]
    _csv(tmp_path / "t.csv", [{"id": number, "part": names[number % 3]} for number in range(90)])
    _ingest(tmp_path / "t.csv", tmp_path / "out", label=None, split_column="part")
    written = _written(tmp_path / "out")
    assert {split: {row["id"] % 3 for row in rows} for split, rows in written.items()} == {
        "train": {0},
        "eval": {1},
        "test": {2},
    }
    assert all("part" not in row for rows in written.values() for row in rows)


@pytest.mark.parametrize("option", ["split_key", "split_time", "split_column"])
def test_a_split_column_that_does_not_exist(tmp_path, option):
    _csv(tmp_path / "t.csv", _rows(30))
    with pytest.raises(DataError, match=r"t\.csv: .*here is no (split )?column 'nope'.*; the columns are id, big"):
        _ingest(tmp_path / "t.csv", tmp_path / "out", **{option: "nope"})


@pytest.mark.parametrize("values", [("1.0", "2.0", "3.5"), ("0.5", "1.5"), ("true", "false"), ("1", "2.5", "3")])
def test_shares_of_each_class_are_exact_for_labels_that_are_numbers(tmp_path, values):
    """Each number stands in blocks of its own, so that the type of a block is not that of the column."""
    rows = [{"id": number, "label": value} for value in values for number in range(200)]
    _csv(tmp_path / "t.csv", rows)
    _ingest(tmp_path / "t.csv", tmp_path / "out", task="multiclass" if len(values) > 2 else "binary", shard_bytes=1024)
    written = _written(tmp_path / "out")
    assert {split: set(Counter(row["label"] for row in found).values()) for split, found in written.items()} == {
        "train": {140},
        "eval": {30},
        "test": {30},
    }


def test_shares_hold_where_rows_lack_columns(tmp_path):
    """A column or the label that is missing in a whole block must not change where its rows go."""
    rows = [{"id": number, "label": None if number < 100 else number % 2} for number in range(500)]
    rows = [{**row, "late": row["id"]} if row["id"] > 250 else row for row in rows]
    _json(tmp_path / "t.jsonl", rows)
    found = _ingest(tmp_path / "t.jsonl", tmp_path / "out", task="binary", shard_bytes=1024)
    assert found.counts.dropped_without_label == 100
    assert found.counts.splits == {"train": 280, "eval": 60, "test": 60}


def test_shares_of_many_rows_are_near(tmp_path, monkeypatch):
    monkeypatch.setattr(splits, "MOST_EXACT", 100)
    _csv(tmp_path / "t.csv", [{"id": number, "label": "ab"[number % 2]} for number in range(4000)])
    found = _ingest(tmp_path / "t.csv", tmp_path / "out", shard_bytes=4096)
    assert {split: round(rows / 4000, 1) for split, rows in found.counts.splits.items()} == {
        "train": 0.7,
        "eval": pytest.approx(0.15, abs=0.06),
        "test": pytest.approx(0.15, abs=0.06),
    }


def test_few_groups_of_many_rows_are_still_cut_exactly(tmp_path, monkeypatch):
    monkeypatch.setattr(splits, "MOST_EXACT", 100)
    _csv(tmp_path / "t.csv", [{"id": number, "group": number % 20} for number in range(4000)])
    found = _ingest(tmp_path / "t.csv", tmp_path / "out", label=None, split_key="group", shard_bytes=4096)
    assert found.counts.splits == {"train": 2800, "eval": 600, "test": 600}
