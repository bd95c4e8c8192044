"""How files are to be read and divided into splits."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from tfx_automl.errors import ConfigError, require

# What pandas and R call missing, and the question mark of the UCI data sets.
DEFAULT_MISSING = ("", "?", "NA", "N/A", "#N/A", "NaN", "nan", "null", "NULL", "None")

_PLAIN_FIELDS = ("columns", "missing", "delimiter", "label", "task", "divide_train")

TASKS = ("auto", "binary", "multiclass", "regression")


@dataclass(frozen=True, kw_only=True)
class ReadOptions:
    """How ExampleGen reads files and divides the rows.

    Attributes:
        columns: Column names for a file without a header; None when the first line names them.
        missing: Texts that stand for a missing value, compared without surrounding spaces.
        delimiter: What separates columns; a single character.
        label: The label column. Rows without a label are dropped, and counted. None keeps every row.
        task: Kind of the task; decides whether the splits are stratified by the label.
        split_ratios: Share of each split, in whole numbers above zero.
        divide_train: Where there are files for several splits, divide those of `train` among the splits of
            `split_ratios` that have no files of their own.

    Raises:
        ConfigError: With one line for every mistake.
    """

    columns: tuple[str, ...] | None = None
    missing: tuple[str, ...] = DEFAULT_MISSING
    delimiter: str = ","
    label: str | None = None
    task: str = "auto"
    divide_train: bool = False
    split_ratios: Mapping[str, int] = field(default_factory=lambda: {"train": 70, "eval": 15, "test": 15})

    def __post_init__(self) -> None:
        object.__setattr__(self, "columns", None if self.columns is None else tuple(self.columns))
        object.__setattr__(self, "missing", tuple(self.missing))
        object.__setattr__(self, "split_ratios", MappingProxyType(dict(self.split_ratios)))
        columns = self.columns
        ratios = self.split_ratios
        require(
            (columns is None or len(set(columns)) == len(columns), f"columns: a name is given twice in {columns}."),
            (columns is None or len(columns) > 0, "columns: expected at least one name, got none."),
            (
                len(self.delimiter) == 1 and self.delimiter.isascii() and self.delimiter not in '"\r\n',
                f"delimiter: expected a single ASCII character other than a quote or line end, got {self.delimiter!r}.",
            ),
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

    def to_json(self) -> str:
        """Returns the options as JSON text, always the same for the same options."""
        return json.dumps(self._fields())

    def _fields(self) -> dict[str, Any]:
        plain = {name: getattr(self, name) for name in _PLAIN_FIELDS}
        return {**plain, "split_ratios": dict(self.split_ratios)}

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
