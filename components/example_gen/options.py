"""How files are to be read and divided into splits."""

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from tfx_automl.errors import ConfigError, require

# What pandas and R call missing, and the question mark of the UCI data sets.
DEFAULT_MISSING = ("", "?", "NA", "N/A", "#N/A", "NaN", "nan", "null", "NULL", "None")

_PLAIN_FIELDS = (
    *("columns", "missing", "delimiter", "encoding", "on_bad_row", "shard_bytes"),
    *("label", "task", "divide_train", "split_key", "split_time", "split_column", "workers"),
)
_MAPPINGS = ("split_ratios", "types")

TASKS = ("auto", "binary", "multiclass", "regression")
# What a user may say that a column is.
TYPES = ("int", "float", "string", "bytes", "time")
ON_BAD_ROW = ("fail", "skip")


@dataclass(frozen=True, kw_only=True)
class ReadOptions:
    """How ExampleGen reads files and divides the rows.

    Attributes:
        columns: Column names for a file without a header; None when the first line names them.
        missing: Texts that stand for a missing value, compared without surrounding spaces.
        delimiter: What separates columns; a single character.
        encoding: Of text files, by any name that Python knows.
        types: Types of columns, where the user knows better than the values look: `int`, `float`, `string`, `bytes` or
            `time` by column, or `list<...>` of one.
        on_bad_row: `fail` stops at the first row that cannot be read; `skip` leaves such rows out, counts them, and
            writes them with their reasons beside the output.
        shard_bytes: An output file holds the rows of about so many bytes of input.
        label: The label column. Rows without a label are dropped, and counted. None keeps every row.
        task: Kind of the task; decides whether the splits are stratified by the label.
        workers: Number of processes; None takes one per core. The output is the same for any number.
        split_ratios: Share of each split, in whole numbers above zero.
        divide_train: Where there are files for several splits, divide those of `train` among the splits of
            `split_ratios` that have no files of their own.
        split_key: A column whose values are divided instead of the rows, so that a group never straddles splits.
        split_time: A column of times, dates or numbers: the earliest rows train, later ones make the splits after it.
        split_column: A column that names the split of each row; it is not written.

    Raises:
        ConfigError: With one line for every mistake.
    """

    columns: tuple[str, ...] | None = None
    missing: tuple[str, ...] = DEFAULT_MISSING
    delimiter: str = ","
    encoding: str = "utf-8"
    types: Mapping[str, str] = field(default_factory=dict)
    on_bad_row: str = "fail"
    shard_bytes: int = 64 << 20
    label: str | None = None
    task: str = "auto"
    divide_train: bool = False
    split_key: str | None = None
    split_time: str | None = None
    split_column: str | None = None
    workers: int | None = None
    split_ratios: Mapping[str, int] = field(default_factory=lambda: {"train": 70, "eval": 15, "test": 15})

    def __post_init__(self) -> None:
        object.__setattr__(self, "columns", None if self.columns is None else tuple(self.columns))
        object.__setattr__(self, "missing", tuple(self.missing))
        for name in _MAPPINGS:
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))
        columns = self.columns
        ratios = self.split_ratios
        require(
            (columns is None or len(set(columns)) == len(columns), f"columns: a name is given twice in {columns}."),
            (columns is None or len(columns) > 0, "columns: expected at least one name, got none."),
            (
                len(self.delimiter) == 1 and self.delimiter.isascii() and self.delimiter not in '"\r\n',
                f"delimiter: expected a single ASCII character other than a quote or line end, got {self.delimiter!r}.",
            ),
            (
                _is_encoding(self.encoding),
                f"encoding: expected a name such as utf-8 or latin-1, got {self.encoding!r}.",
            ),
            *_type_checks(self.types),
            (
                self.on_bad_row in ON_BAD_ROW,
                f"on_bad_row: expected {' or '.join(ON_BAD_ROW)}, got {self.on_bad_row!r}.",
            ),
            (self.shard_bytes >= 1024, f"shard_bytes: expected 1024 or more, got {self.shard_bytes}."),
            (
                sum(column is not None for column in (self.split_key, self.split_time, self.split_column)) <= 1,
                "split_key, split_time, split_column: expected at most one of them.",
            ),
            (self.workers is None or self.workers >= 1, f"workers: expected 1 or more, got {self.workers}."),
            (self.task in TASKS, f"task: expected one of {', '.join(TASKS)}, got {self.task!r}."),
            (
                columns is None or self.label is None or self.label in columns,
                f"label: {self.label!r} is not among the column names {columns}.",
            ),
            ("train" in ratios, f"split_ratios: expected a share for 'train', got {dict(ratios)}."),
            (
                all(isinstance(share, int) and share > 0 for share in ratios.values()),
                f"split_ratios: expected whole numbers above zero, got {dict(ratios)}.",
            ),
        )

    def shares(self, taken: Collection[str]) -> dict[str, int]:
        """Returns how the training files are divided where some splits have files of their own.

        Args:
            taken: The splits that have files; `train` among them changes nothing.
        """
        return {name: share for name, share in self.split_ratios.items() if name == "train" or name not in taken}

    def to_json(self) -> str:
        """Returns the options as JSON text, always the same for the same options."""
        return json.dumps(self._fields())

    def _fields(self) -> dict[str, Any]:
        plain = {name: getattr(self, name) for name in _PLAIN_FIELDS}
        return {**plain, **{name: dict(getattr(self, name)) for name in _MAPPINGS}}

    @classmethod
    def from_json(cls, text: str) -> "ReadOptions":
        """Reads what `to_json` wrote.

        Raises:
            ConfigError: The text holds something else.
        """
        try:
            values: dict[str, Any] = json.loads(text)
            return cls(**values)
        except (ValueError, TypeError) as error:
            raise ConfigError(f"Read options as JSON were expected; got {text!r}.") from error


def _is_encoding(name: str) -> bool:
    try:
        "".encode(name)  # refuses base64 and its kind, which are no encodings of text
    except LookupError:
        return False
    return True


def _type_checks(given: Mapping[str, str]) -> list[tuple[bool, str]]:
    return [
        (
            bool(re.fullmatch(rf"(?:{'|'.join(TYPES)})|list<(?:{'|'.join(TYPES)})>", kind)),
            f"types: expected {', '.join(TYPES)} or list<...> of one for {column!r}, got {kind!r}.",
        )
        for column, kind in given.items()
    ]
