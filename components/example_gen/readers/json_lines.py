"""Reads JSON lines with Arrow, and with Python's json what Arrow refuses."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.json as pa_json

from tfx_automl.components.example_gen import sources
from tfx_automl.components.example_gen.flat import flatten
from tfx_automl.components.example_gen.options import ReadOptions
from tfx_automl.components.example_gen.readers.base import Block, Format, Rejected
from tfx_automl.components.example_gen.readers.chunks import line_pieces


class JsonLines(Format):
    """One JSON object per line. Absent keys and null are missing; nested objects become columns with dots.

    ISO dates and times become seconds since 1970. A key that holds texts in some rows and something else in others is
    text in all of them.
    """

    open_columns = True

    def blocks(self, path: str, options: ReadOptions, block_bytes: int) -> Iterator[Block]:
        """Yields pieces that end with a line."""
        in_place = sources.in_place(path, options.encoding)
        start = 0
        with sources.open_stream(path, options.encoding) as stream:
            for piece in sources.guarded(path, line_pieces(stream, block_bytes)):
                yield Block(path, start, start + len(piece), len(piece), payload=None if in_place else piece)
                start += len(piece)

    def read(
        self, block: Block, options: ReadOptions, known: Mapping[str, pa.DataType], rejected: list[Rejected]
    ) -> Iterator[pa.Table]:
        """Parses the piece as a whole."""
        data = block.payload if block.payload is not None else sources.piece(block.path, block.start, block.stop)
        data = data.removeprefix(b"\xef\xbb\xbf") if block.start == 0 else data
        if not data.strip():
            return
        try:
            yield flatten(_parse(data, known))
        except (pa.ArrowInvalid, UnicodeDecodeError):
            yield flatten(_parse_slowly(data, block, known, rejected))

    def rows_before(self, block: Block, options: ReadOptions) -> tuple[int, int | None]:
        """There is no header, and the number of the row is that of the line, but for empty ones."""
        return 0, None


def _parse(data: bytes, known: Mapping[str, pa.DataType]) -> pa.Table:
    # Only what is text in all of the data needs to be told: Arrow would take a text that looks like a date for one.
    texts = [pa.field(name, pa.string()) for name, kind in known.items() if pa.types.is_string(kind)]
    return pa_json.read_json(
        pa.BufferReader(data),
        read_options=pa_json.ReadOptions(use_threads=False, block_size=len(data) + 1),
        parse_options=pa_json.ParseOptions(
            explicit_schema=pa.schema([field for field in texts if "." not in field.name]),
            unexpected_field_behavior="infer",
        ),
    )


def _parse_slowly(data: bytes, block: Block, known: Mapping[str, pa.DataType], rejected: list[Rejected]) -> pa.Table:
    """Parses line by line: for NaN, which is no JSON but often written, for keys of mixed kinds, and for bad lines."""
    rows = []
    number = 0
    for line in data.split(b"\n"):
        if not line.strip():
            continue
        number += 1
        try:
            row = json.loads(line)
            problem = "" if isinstance(row, dict) else f"expected an object, got {type(row).__name__}"
        except ValueError as error:
            problem = f"not JSON ({error})"
        if problem:
            shown = line.decode("utf-8", errors="replace")
            rejected.append(Rejected(block.path, number, f"{problem}; mend the line.", shown))
        else:
            rows.append(row)
    names = list(dict.fromkeys(name for row in rows for name in row))
    if not names:
        return pa.table({})
    return pa.table([_column([row.get(name) for row in rows], known.get(name)) for name in names], names=names)


def _column(values: list[Any], known: pa.DataType | None) -> pa.Array:
    if known is None or not pa.types.is_string(known):
        try:
            return pa.array(values)
        except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
            numbers = [float(v) for v in values if type(v) in (int, float)]
            if len(numbers) == sum(v is not None for v in values):
                return pa.array([None if v is None else float(v) for v in values], pa.float64())
    return pa.array([v if v is None or isinstance(v, str) else json.dumps(v) for v in values], pa.string())
