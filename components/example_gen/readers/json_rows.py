"""Reads JSON lines one by one, where Arrow refuses a piece or would not do the same with each line by itself."""

import functools
import json
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any

import pyarrow as pa

from tfx_automl.components.example_gen import texts, types
from tfx_automl.components.example_gen.columns import offsets
from tfx_automl.components.example_gen.flat import table_of
from tfx_automl.components.example_gen.readers.base import Block, Rejected
from tfx_automl.errors import one_line

_MOST_DIGITS = 10**38


def parse(data: bytes, block: Block, known: Mapping[str, pa.DataType], rejected: list[Rejected]) -> pa.Table:
    """Parses line by line: for keys of mixed kinds, for times and numbers that need care, and for bad lines.

    Args:
        data: Whole lines.
        block: Where they are from.
        known: The type of each column in all of the data, as far as it is known.
        rejected: Takes the lines that are no JSON objects, or hold what has no place in a table.
    """
    rows = []
    filled = (line for line in data.splitlines() if line.strip())
    for number, line in enumerate(filled, 1):
        try:
            rows.append(_row(line))
        except (ValueError, RecursionError) as error:
            is_json = type(error) is ValueError
            problem = one_line(error) if is_json else f"not JSON ({one_line(error)})"
            shown = line.decode("utf-8", errors="replace")
            rejected.append(Rejected(block.path, number, f"{problem}; mend the line.", shown))
    names = dict.fromkeys(name for row in rows for name in row)
    return table_of({name: _column([row.get(name) for row in rows], known.get(name)) for name in names}, len(rows))


def _row(line: bytes) -> dict[str, Any]:
    text = line.decode("utf-8")
    value = json.loads(text, object_pairs_hook=_unique)
    if not isinstance(value, dict):
        raise ValueError(f"expected an object, got {type(value).__name__}")
    if "\\ud" in text.lower():
        json.dumps(value, ensure_ascii=False).encode("utf-8")  # raises for half of a surrogate pair
    return _flat("", value) if value else {}


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"the key {next(name for name in names if names.count(name) > 1)!r} stands there twice")
    return found


def _flat(prefix: str, value: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, leaf in _leaves(prefix, value):
        if name in found:
            raise ValueError(f"two keys give the column {name!r}; rename one of them")
        found[name] = leaf
    return found


def _leaves(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Yields the columns of a value with what stands in them, as `flat.flatten` does."""
    if value == {}:
        yield name, None
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _leaves(f"{name}.{key}" if name else key, inner)
    elif isinstance(value, list) and any(isinstance(item, dict) for item in value):
        yield from _parts(name, value)
    elif isinstance(value, list) and any(isinstance(item, list) for item in value):
        raise ValueError(f"column {name!r}: lists of lists have no place in tf.Example; flatten them")
    else:
        yield name, value


def _parts(name: str, items: list[Any]) -> Iterator[tuple[str, list[Any] | None]]:
    """Yields a list per part of the objects in a list; a part that none of them has is missing."""
    if not all(item is None or isinstance(item, dict) for item in items):
        raise ValueError(f"column {name!r}: objects and other values stand in one list; part them")
    flats = [_flat(name, item or {}) for item in items]
    for part in dict.fromkeys(part for found in flats for part in found):
        values = [found.get(part) for found in flats]
        if any(isinstance(value, list) for value in values):
            raise ValueError(f"column {part!r}: lists of lists have no place in tf.Example; flatten them")
        yield part, values if any(value is not None for value in values) else None


def without_hollow_lists(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Returns lists of a part of objects; a list in which no object has the part is missing, as in `parse`."""
    full = [None if not any(item is not None for item in items or ()) else items for items in column.to_pylist()]
    return pa.chunked_array([pa.array(full, column.type if any(items is not None for items in full) else pa.null())])


def _kind(value: Any) -> pa.DataType:
    if isinstance(value, list):
        return pa.list_(functools.reduce(types.join, map(_kind, value), pa.null()))
    if isinstance(value, bool):
        return pa.bool_()
    if isinstance(value, int):
        if -(2**63) <= value < 2**63:
            return pa.int64()
        return types.BIG if abs(value) < _MOST_DIGITS else pa.string()
    if value is None:
        return pa.null()
    return pa.float64() if isinstance(value, float) else pa.string()


def _column(values: list[Any], known: pa.DataType | None) -> pa.Array:
    own = functools.reduce(types.join, map(_kind, values), pa.null())
    keep_text = known is not None and types.is_text(known)
    item = pa.string() if keep_text else types.item_type(own)
    if not pa.types.is_list(own):
        return _scalars(values, item, keep_text)
    lists = [value if value is None or isinstance(value, list) else [value] for value in values]
    lengths = pa.array([None if value is None else [0] * len(value) for value in lists], pa.list_(pa.int8()))
    flat = [scalar for value in lists for scalar in value or ()]
    return pa.ListArray.from_arrays(offsets(lengths), _scalars(flat, item, keep_text))


def _scalars(values: list[Any], kind: pa.DataType, keep_text: bool) -> pa.Array:
    converters: dict[pa.DataType, Callable[[Any], Any]] = {pa.string(): _text, types.BIG: Decimal, pa.float64(): float}
    convert = converters.get(kind)
    array = pa.array([v if v is None or convert is None else convert(v) for v in values], kind)
    if pa.types.is_string(kind) and not keep_text and all(v is None or isinstance(v, str) for v in values):
        return texts.find_times(pa.chunked_array([array])).chunk(0)
    return array


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
