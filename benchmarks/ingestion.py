"""ExampleGen beside TFX's own: rows per second, memory, and whether both write the same.

    python benchmarks/ingestion.py [--data FOLDER] [--cases csv,parquet,big] [--repeats N]

Each run is a whole component under LocalDagRunner in a process of its own; seconds are those of the run, without the
imports. Stock and ours take turns; the fastest run of each counts.
"""

import argparse
import contextlib
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from peak_memory import PeakMemory

RESULTS = Path(__file__).parent / "results" / "ingestion.json"
TAXI_COPIES = 20
BIG_BYTES = 2 * 1024**3
FLOOR = 25.0
BIG_MEGABYTES = 1536


@dataclass(frozen=True)
class Case:
    """The outcome of one comparison; None where stock was not run.

    Attributes:
        name: What was read.
        rows: How many rows.
        ours_rows_per_s: Speed of our component.
        stock_rows_per_s: Speed of the stock component.
        ratio: Of the two.
        peak_rss_mb: Most memory of our component, its processes included.
        same: Whether both wrote the same examples.
    """

    name: str
    rows: int
    ours_rows_per_s: float
    stock_rows_per_s: float | None
    ratio: float | None
    peak_rss_mb: float
    same: bool | None


def component(kind: str, folder: str) -> Any:
    """Returns the component that reads the single file of a folder into one split."""
    from tfx import v1 as tfx
    from tfx.components.example_gen.component import FileBasedExampleGen
    from tfx.components.example_gen.custom_executors import parquet_executor
    from tfx.dsl.components.base import executor_spec
    from tfx.proto import example_gen_pb2

    split = example_gen_pb2.Input(splits=[example_gen_pb2.Input.Split(name="all", pattern="*")])
    if kind == "csv":
        return tfx.components.CsvExampleGen(input_base=folder, input_config=split)
    if kind == "parquet":
        return FileBasedExampleGen(
            input_base=folder,
            input_config=split,
            custom_executor_spec=executor_spec.BeamExecutorSpec(parquet_executor.Executor),
        )
    from tfx_automl.components import ExampleGen
    from tfx_automl.components.example_gen.options import ReadOptions

    # Stock CsvExampleGen knows only the empty text as missing.
    return ExampleGen(input_base=folder, input_config=split, read=ReadOptions(missing=("",)))


def run_child(kind: str, folder: str, output: str) -> None:
    """Runs one component and prints its seconds."""
    from tfx import v1 as tfx

    pipeline = tfx.dsl.Pipeline(
        pipeline_name="ingestion",
        pipeline_root=f"{output}/root",
        components=[component(kind, folder)],
        metadata_connection_config=tfx.orchestration.metadata.sqlite_metadata_connection_config(f"{output}/metadata"),
        beam_pipeline_args=["--direct_running_mode=in_memory", "--direct_num_workers=1"],
    )
    started = time.monotonic()
    tfx.orchestration.LocalDagRunner().run(pipeline)
    say(str(time.monotonic() - started))


def run_once(kind: str, folder: Path, output: Path, watched: bool = False) -> tuple[float, float]:
    """Runs one component in a process of its own; returns its seconds and, if it is watched, its megabytes."""
    command = [sys.executable, __file__, "--child", kind, str(folder), str(output)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    memory = PeakMemory(process.pid)
    with memory if watched else contextlib.nullcontext():
        shown, errors = process.communicate()
    if process.returncode:
        raise SystemExit(f"{kind} failed:\n{errors[-3000:]}")
    return float(shown.splitlines()[-1]), memory.megabytes


def compare(name: str, stock: str | None, folder: Path, rows: int, repeats: int, work: Path) -> Case:
    """Runs both in turn, and ours once more to see its memory; returns the best of each."""
    ours, others = [], []
    for number in range(repeats):
        if stock is not None:
            others.append(run_once(stock, folder, work / f"{name}-stock-{number}")[0])
        ours.append(run_once("ours", folder, work / f"{name}-ours-{number}")[0])
        say(
            f"{name} {number + 1}/{repeats}: ours {ours[-1]:.2f} s",
            *(f"stock {seconds:.2f} s" for seconds in others[-1:]),
        )
    _, megabytes = run_once("ours", folder, work / f"{name}-watched", watched=True)
    best, stock_best = min(ours), min(others, default=None)
    return Case(
        name=name,
        rows=rows,
        ours_rows_per_s=round(rows / best),
        stock_rows_per_s=None if stock_best is None else round(rows / stock_best),
        ratio=None if stock_best is None else round(stock_best / best, 1),
        peak_rss_mb=round(megabytes),
        same=None if stock is None else same_examples(stock, work / f"{name}-stock-0", work / f"{name}-ours-0"),
    )


def same_examples(kind: str, stock: Path, ours: Path) -> bool:
    """Tells whether two runs wrote the same examples, in whatever order.

    TFX's Parquet executor loses every zero, so zeros count as missing there.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    from tfx_automl.components.example_gen.hashing import hash_rows
    from tfx_automl.components.example_gen.table import read_table

    tables = []
    for output in (stock, ours):
        table = read_table(sorted(str(path) for path in output.glob("root/*/examples/*/Split-*/*")))
        table = table.select(sorted(table.column_names))
        if kind == "parquet":
            columns = [pc.if_else(pc.equal(column, 0), None, column) for column in table.columns]
            table = pa.table(columns, names=table.column_names)
        tables.append(table.take(pa.array(hash_rows(table).argsort(kind="stable"))).combine_chunks())
    return bool(tables[0].equals(tables[1]))


def say(*parts: str) -> None:
    """Prints a line at once."""
    sys.stdout.write("  ".join(parts) + "\n")
    sys.stdout.flush()


def taxi_file(data: Path, folder: Path, size: int) -> int:
    """Writes the taxi rows again and again, up to a size in bytes; returns the number of rows."""
    header, _, rows = (data / "chicago-taxi.csv").read_bytes().partition(b"\n")
    copies = max(1, round(size / len(rows)))
    folder.mkdir(parents=True)
    with open(folder / "taxi.csv", "wb") as file:
        file.write(header + b"\n")
        for _ in range(copies):
            file.write(rows)
    return copies * rows.count(b"\n")


def run_cases(names: list[str], data: Path, repeats: int, work: Path) -> list[Case]:
    """Runs the named cases."""
    found = []
    if "csv" in names:
        size = (data / "chicago-taxi.csv").stat().st_size
        rows = taxi_file(data, work / "csv", TAXI_COPIES * size)
        found.append(compare("csv, taxi 20 times", "csv", work / "csv", rows, repeats, work))
    if "parquet" in names:
        import pyarrow.parquet as pq

        (work / "parquet").mkdir()
        (work / "parquet" / "acs-income.parquet").symlink_to(data / "acs-income.parquet")
        rows = pq.read_metadata(data / "acs-income.parquet").num_rows
        found.append(compare("parquet, acs-income", "parquet", work / "parquet", rows, repeats, work))
    if "big" in names:
        rows = taxi_file(data, work / "big", BIG_BYTES)
        found.append(compare("csv, 2 GiB", None, work / "big", rows, 1, work))
    return found


def problems(cases: list[Case]) -> list[str]:
    """Returns what misses the floor."""
    found = [f"{case.name}: ratio {case.ratio} is below {FLOOR}" for case in cases if case.ratio and case.ratio < FLOOR]
    found += [f"{case.name}: other examples than stock" for case in cases if case.same is False]
    return found + [
        f"{case.name}: {case.peak_rss_mb} MB of memory, more than {BIG_MEGABYTES}"
        for case in cases
        if case.ratio is None and case.peak_rss_mb > BIG_MEGABYTES
    ]


def write_results(cases: list[Case]) -> None:
    """Writes the cases; those of other runs stay."""
    RESULTS.parent.mkdir(exist_ok=True)
    before = json.loads(RESULTS.read_text(encoding="utf-8"))["cases"] if RESULTS.exists() else []
    found = {case["name"]: case for case in [*before, *map(asdict, cases)]}
    RESULTS.write_text(json.dumps({"cases": list(found.values())}, indent=2) + "\n", encoding="utf-8")


def main() -> int:
    """Runs the benchmark; exit status 1 if a floor is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path(__file__).resolve().parents[2] / "shared" / "data")
    parser.add_argument("--cases", default="csv,parquet,big")
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--child", nargs=3, metavar=("KIND", "FOLDER", "OUTPUT"))
    arguments = parser.parse_args()
    if arguments.child:
        run_child(*arguments.child)
        return 0
    with tempfile.TemporaryDirectory() as work:
        cases = run_cases(arguments.cases.split(","), arguments.data, arguments.repeats, Path(work))
    for case in cases:
        ratio = "" if case.ratio is None else f"stock {case.stock_rows_per_s:,.0f} rows/s, ratio {case.ratio}"
        say(f"{case.name}: {case.rows:,} rows, {case.ours_rows_per_s:,.0f} rows/s", ratio, f"{case.peak_rss_mb:.0f} MB")
    write_results(cases)
    missed = problems(cases)
    say(*missed)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
