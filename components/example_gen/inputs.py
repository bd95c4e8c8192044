"""From what a person names (a file, a folder, a pattern, a table in memory) to what ExampleGen takes."""

import glob
import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from tfx_automl.components.example_gen.sources import is_remote, open_raw
from tfx_automl.errors import DataError, one_line

if TYPE_CHECKING:
    from tensorflow_metadata.proto.v0 import schema_pb2
    from tfx.proto import example_gen_pb2

# By the number of a type in a schema: BYTES, INT, FLOAT.
_TYPES = {1: "string", 2: "int", 3: "float"}


def pattern_of(path: str) -> str:
    """Returns a glob pattern for all files that a path stands for.

    Args:
        path: A file (the labels of idx images, in a file of their own, belong to it), a pattern, or a folder: of files,
            or of folders with images, one for each class.
    """
    if is_remote(path) or (glob.has_magic(path) and not os.path.exists(path)):
        return path
    escaped = glob.escape(path.rstrip(os.sep) if os.path.isdir(path) else path)
    if os.path.isdir(path):
        has_folders = any(child.is_dir() for child in Path(path).iterdir() if not child.name.startswith("."))
        return os.path.join(escaped, *(("*", "*") if has_folders else ("*",)))
    return escaped.replace("images-idx3", "*-idx[13]")


def input_for(train_path: str, test_path: str | None = None) -> "tuple[str, example_gen_pb2.Input]":
    """Returns the input base and the input config for training data, and maybe test data.

    With test data, set `divide_train` of the `ReadOptions` to get an eval split out of the training data.

    Args:
        train_path: As `pattern_of` takes it.
        test_path: Likewise, for the split `test`.
    """
    from tfx.proto import example_gen_pb2

    paths = {"train": train_path} if test_path is None else {"train": train_path, "test": test_path}
    patterns = {name: pattern_of(_absolute(path)) for name, path in paths.items()}
    base = _common_base(list(patterns.values()))
    splits = [
        example_gen_pb2.Input.Split(name=name, pattern=pattern[len(base) :].lstrip("/"))
        for name, pattern in patterns.items()
    ]
    return base, example_gen_pb2.Input(splits=splits)


def _absolute(path: str) -> str:
    return path if is_remote(path) else os.path.abspath(os.path.expanduser(path))


def _common_base(patterns: list[str]) -> str:
    """Returns the folder that all patterns share, without anything special: TFX reads base and pattern as one."""
    scheme = patterns[0].partition("://")[0] if is_remote(patterns[0]) else None
    if any((pattern.partition("://")[0] if is_remote(pattern) else None) != scheme for pattern in patterns):
        raise DataError(f"Training and test data must lie on the same kind of file system, got {', '.join(patterns)}.")
    prefix = "" if scheme is None else f"{scheme}://"
    base = os.path.commonpath([os.path.dirname(pattern[len(prefix) :]) for pattern in patterns])
    while glob.has_magic(base) or "{" in base:
        base = os.path.dirname(base)
    return prefix + base


def input_for_table(table: "pa.Table | Any", folder: str) -> "tuple[str, example_gen_pb2.Input]":
    """Returns the input base and the input config for a table in memory, such as a pandas DataFrame.

    The table is written as a Parquet file whose name tells its contents, so that the cache works as for any file.

    Args:
        table: A `pyarrow.Table` or a `pandas.DataFrame`, whose index is left out and whose NaN is missing.
        folder: Where the file goes; made if absent. It must stay as long as the pipeline may run again.

    Raises:
        DataError: It is neither, or has no rows.
    """
    import pyarrow.parquet as pq

    found = _as_arrow(table)
    if found.num_rows == 0:
        raise DataError("The table has no rows; expected at least one.")
    buffer = pa.BufferOutputStream()
    pq.write_table(found, buffer)
    content = buffer.getvalue().to_pybytes()
    Path(folder).mkdir(parents=True, exist_ok=True)
    path = Path(folder) / f"table-{hashlib.sha256(content).hexdigest()[:16]}.parquet"
    if not path.exists():
        temporary = path.with_suffix(".tmp")
        temporary.write_bytes(content)
        os.replace(temporary, path)
    return input_for(str(path))


def _as_arrow(table: Any) -> pa.Table:
    if isinstance(table, pa.Table):
        return table
    if type(table).__module__.partition(".")[0] == "pandas" and hasattr(table, "columns"):
        return pa.Table.from_pandas(table.rename(columns=str), preserve_index=False).replace_schema_metadata(None)
    raise DataError(f"Expected a pyarrow.Table or a pandas.DataFrame, got {type(table).__name__}.")


def types_from_schema(path: str) -> dict[str, str]:
    """Returns the types of columns as a schema has them, for `ReadOptions.types`.

    Args:
        path: A `tensorflow_metadata` schema in text form, such as SchemaGen's `schema.pbtxt`. Features that may have
            several values are lists.

    Raises:
        DataError: There is no such file, or it holds something else.
    """
    from google.protobuf import text_format
    from tensorflow_metadata.proto.v0 import schema_pb2

    with open_raw(path) as file:
        content = file.read()
    try:
        schema = text_format.Parse(content, schema_pb2.Schema())
    except (text_format.ParseError, UnicodeDecodeError) as error:
        raise DataError(
            f"{path}: not a schema in text form ({one_line(error)}); name SchemaGen's schema.pbtxt."
        ) from error
    return {feature.name: _type_of(feature) for feature in schema.feature if feature.type in _TYPES}


def _type_of(feature: "schema_pb2.Feature") -> str:
    sizes = [dim.size for dim in feature.shape.dim]
    several = sizes not in ([], [1]) if feature.HasField("shape") else feature.value_count.max > 1
    name = _TYPES[feature.type]
    return f"list<{name}>" if several else name
