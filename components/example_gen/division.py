"""Which rows go to which split: by cuts in the order of their keys, or as a column says."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tfx_automl.components.example_gen.options import ReadOptions
from tfx_automl.components.example_gen.scan import Scan
from tfx_automl.components.example_gen.splits import CutFinder, Cuts, Indices, Rule, keys_of
from tfx_automl.components.example_gen.values import as_text
from tfx_automl.errors import DataError

# What other tools call the splits.
_ALIASES = {"training": "train", "validation": "eval", "valid": "eval", "val": "eval", "dev": "eval", "testing": "test"}


@dataclass(frozen=True)
class Division:
    """How one set of files becomes one or several splits.

    Attributes:
        pattern: Glob pattern of the files, absolute.
        ratios: Share of each split.
        key: A column whose hash decides, so that its groups stay together; None leaves it to the options.
    """

    pattern: str
    ratios: Mapping[str, int]
    key: str | None = None


@dataclass(frozen=True)
class Divide:
    """Rows go to the splits by a rule.

    Attributes:
        rule: How their keys are made.
        cuts: Where the splits begin.
    """

    rule: Rule
    cuts: Cuts

    @property
    def names(self) -> tuple[str, ...]:
        """The splits."""
        return self.cuts.names

    def assign(self, table: pa.Table) -> Indices:
        """Returns the number of the split of each row."""
        return self.cuts.assign(keys_of(table, self.rule))


@dataclass(frozen=True)
class Named:
    """A column names the split of each row; without one, all rows go to the only split.

    Attributes:
        names: The splits.
        column: The column, or None.
    """

    names: tuple[str, ...]
    column: str | None = None

    def assign(self, table: pa.Table) -> Indices:
        """Returns the number of the split of each row.

        Raises:
            DataError: A row names another split, or none.
        """
        if self.column is None:
            return np.zeros(table.num_rows, np.int64)
        if self.column not in table.column_names:
            raise DataError(
                f"There is no split column {self.column!r}; the columns are {', '.join(table.column_names)}."
            )
        texts = pc.utf8_lower(as_text(table[self.column]))
        for alias, name in _ALIASES.items():
            if name in self.names and alias not in self.names:
                texts = pc.if_else(pc.equal(texts, alias), name, texts)
        numbers = pc.index_in(texts, value_set=pa.array([name.lower() for name in self.names]))
        if numbers.null_count:
            strange = table[self.column].filter(pc.is_null(numbers))[0].as_py()
            raise DataError(
                f"The split column {self.column!r} holds {strange!r}; expected one of {', '.join(self.names)}."
            )
        found: Indices = numbers.to_numpy().astype(np.int64)
        return found


def rule_for(division: Division, options: ReadOptions) -> Rule | None:
    """Returns how the rows of some files are divided, or None where they are not, or a column names the split."""
    if len(division.ratios) == 1 or options.split_column is not None:
        return None
    if options.split_time is not None:
        return Rule(division.ratios, "time", options.split_time)
    key = division.key or options.split_key
    if key is not None:
        return Rule(division.ratios, "key", key)
    stratified = options.task in ("binary", "multiclass", "auto")
    return Rule(division.ratios, stratify_by=options.label if stratified else None)


def divide(
    division: Division, rule: Rule | None, found: Scan, options: ReadOptions, stratified: bool
) -> Divide | Named:
    """Finds out which rows of some files go to which split.

    Args:
        division: The splits and their shares.
        rule: As `rule_for` returns it.
        found: What the scan found, with the keys of the rule.
        options: How the files are read.
        stratified: Whether the label has classes that are divided one by one.

    Raises:
        DataError: A split stays empty, or there is no column to divide by.
    """
    names = tuple(division.ratios)
    if options.split_column is not None:
        return Named(names, options.split_column) if len(names) > 1 else Named(names)
    if rule is None:
        return Named(names)
    if not stratified:  # a label of many values, as it turned out
        rule = replace(rule, stratify_by=None)
    finder = CutFinder(rule)
    for profile in found.profiles:
        for keys in profile.keys:
            finder.add(keys if stratified else keys.together())
    return Divide(rule, finder.cuts())
