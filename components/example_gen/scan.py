"""The first pass over the data: which types hold for all of it, how many rows there are, where splits begin."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import pyarrow as pa

from tfx_automl.components.example_gen import sources, types
from tfx_automl.components.example_gen.options import ReadOptions
from tfx_automl.components.example_gen.pool import Pool
from tfx_automl.components.example_gen.readers import Block, Rejected, format_of
from tfx_automl.components.example_gen.reading import conform, read_block, with_label
from tfx_automl.components.example_gen.splits import Keys, Rule, keys_of
from tfx_automl.components.example_gen.types import Types
from tfx_automl.components.example_gen.values import Values, values_of
from tfx_automl.errors import DataError


@dataclass(frozen=True)
class Wanted:
    """What a scan looks for besides types and numbers of rows.

    Attributes:
        counted: Columns whose values are counted.
        label: The column without which a row is no use, or None.
        rule: How the rows are divided, or None where they are not.
    """

    counted: tuple[str, ...] = ()
    label: str | None = None
    rule: Rule | None = None


@dataclass(frozen=True)
class BlockProfile:
    """What is known about one block.

    Attributes:
        block: The block, without its payload.
        rows: Its rows, without the rejected ones.
        types: What the values of each column are, by themselves.
        values: Of the counted columns.
        keys: Of the rows with a label, if they are to be divided.
        rejected: Rows that could not be read; their numbers count from the beginning of the block.
    """

    block: Block
    rows: int
    types: Types
    values: Mapping[str, Values]
    keys: tuple[Keys, ...]
    rejected: tuple[Rejected, ...]


def scan_block(block: Block, options: ReadOptions, wanted: Wanted, known: Types) -> BlockProfile:
    """Reads one block and tells what is in it.

    Args:
        block: What to read.
        options: How.
        wanted: What to look for.
        known: Types that hold for all of the data; empty in a first look.
    """
    rejected: list[Rejected] = []
    values: dict[str, Values] = {}
    keys = []
    with sources.named(block.path):
        tables = list(read_block(block, options, known, rejected))
        own = types.join_all([dict(zip(table.column_names, table.schema.types, strict=True)) for table in tables])
        joined = {**_absent(wanted), **(known or own), **_given(options, own)}
        for table in (conform(table, joined) for table in tables):
            for name in wanted.counted:
                if name in own:
                    values[name] = values.get(name, Values()) + values_of(table[name])
            if wanted.rule is not None:
                keys.append(keys_of(with_label(table, wanted.label), wanted.rule))
    rows = sum(table.num_rows for table in tables)
    return BlockProfile(replace(block, payload=None), rows, own, values, tuple(keys), tuple(rejected))


def _absent(wanted: Wanted) -> dict[str, pa.DataType]:
    """Returns the columns that decide where a row goes, as missing: a block may lack them where other blocks do not."""
    rule = wanted.rule
    names = () if rule is None else (wanted.label, rule.column, rule.stratify_by)
    return {name: pa.null() for name in names if name is not None}


def _given(options: ReadOptions, present: Types) -> dict[str, pa.DataType]:
    return {name: kind for name, kind in types.given_types(options.types).items() if name in present}


@dataclass(frozen=True)
class ScanTask:
    """Scans blocks, here or in another process.

    Attributes:
        options: How to read.
        wanted: What to look for.
        known: Types that hold for all of the data; empty in a first look.
    """

    options: ReadOptions
    wanted: Wanted
    known: Types = field(default_factory=dict)

    def __call__(self, blocks: Sequence[Block]) -> list[BlockProfile]:
        """Does it for consecutive blocks."""
        return [scan_block(block, self.options, self.wanted, self.known) for block in blocks]


@dataclass(frozen=True)
class Scan:
    """What is known about some files after the first pass.

    Attributes:
        paths: The files, in order.
        profiles: Of their blocks, in order.
        types: The types that hold for all of the data, of the columns of these files.
        own: The types that hold for these files alone.
        rejected: Rows that could not be read, with their numbers in their files.
    """

    paths: tuple[str, ...]
    profiles: tuple[BlockProfile, ...]
    types: Types
    own: Types
    rejected: tuple[Rejected, ...]

    @property
    def rows(self) -> int:
        """All rows that could be read."""
        return sum(profile.rows for profile in self.profiles)

    def values(self, column: str) -> Values:
        """Returns the values of a counted column."""
        total = Values()
        for profile in self.profiles:
            total += profile.values.get(column, Values({}, profile.rows, profile.rows))
        return total


def scan(
    groups: Sequence[tuple[Sequence[str], Wanted]], options: ReadOptions, pool: Pool, block_bytes: int | None = None
) -> list[Scan]:
    """Reads all blocks of some groups of files and joins what they say.

    Args:
        groups: The files of each group, which have the same columns in any order, and what to look for in them.
        options: How to read them.
        pool: What reads blocks.
        block_bytes: Size of a block; None chooses it by the size of the files.

    Returns:
        One for each group; a column has the same type in all of them.

    Raises:
        DataError: A file cannot be used, or has other columns than the first of its group; or a row cannot be read and
            rows are not to be skipped.
    """
    looks = [_look(paths, ScanTask(options, wanted), pool, block_bytes) for paths, wanted in groups]
    joined = _joined([profile for profiles in looks for profile in profiles])
    _check_given(options, joined, groups[0][0][0])
    joined |= _given(options, joined)
    settled = []
    for (paths, wanted), profiles in zip(groups, looks, strict=True):
        own = _joined(profiles)
        known = {name: joined[name] for name in own if name in joined}
        if not known and any(profile.rows for profile in profiles):
            raise DataError(f"{paths[0]}: no row has a value; expected at least one column.")
        _check_wanted(wanted, known, paths[0])
        again = _look_again(paths, profiles, ScanTask(options, wanted, known), pool, block_bytes)
        settled.append(Scan(tuple(paths), tuple(again), known, own, _numbered(again, options)))
    _stop_at_bad_rows(settled, options)
    return settled


def _joined(profiles: Sequence[BlockProfile]) -> dict[str, pa.DataType]:
    joined = types.join_all([profile.types for profile in profiles])
    is_open = any(format_of(profile.block.path).open_columns for profile in profiles)
    return types.without_shells(joined) if is_open else joined


def _check_given(options: ReadOptions, joined: Types, path: str) -> None:
    unknown = [name for name in options.types if name not in joined]
    if unknown:
        raise DataError(
            f"{path}: a type is given for {unknown[0]!r}, but there is no such column; the columns are"
            f" {', '.join(joined)}."
        )


def _check_wanted(wanted: Wanted, known: Types, path: str) -> None:
    absent = [name for name in _absent(wanted) if name not in known and name != wanted.label]
    if absent:
        raise DataError(f"{path}: there is no column {absent[0]!r} to divide by; the columns are {', '.join(known)}.")


def _look(paths: Sequence[str], task: ScanTask, pool: Pool, block_bytes: int | None) -> list[BlockProfile]:
    profiles = pool.map(task, paths, task.options, "looking at the data", block_bytes)
    filled = {profile.block.path for profile in profiles if profile.rows or profile.rejected}
    for path in paths:
        if path not in filled:
            raise DataError(f"{path}: {format_of(path).nothing}")
    _check_columns(paths, profiles)
    return profiles


def _check_columns(paths: Sequence[str], profiles: Sequence[BlockProfile]) -> None:
    """Files whose columns are named must all have the same ones; where rows name them, they may differ."""
    named: dict[str, set[str]] = {}
    for profile in profiles:
        if not format_of(profile.block.path).open_columns and profile.rows:
            named.setdefault(profile.block.path, set(profile.types))
    first = next(iter(named.values()), set())
    for path, names in named.items():
        if names != first:
            odd = ", ".join(sorted(names ^ first))
            raise DataError(f"{path}: its columns are not those of {paths[0]}; they differ in {odd}.")


def _look_again(
    paths: Sequence[str], profiles: list[BlockProfile], task: ScanTask, pool: Pool, block_bytes: int | None
) -> list[BlockProfile]:
    """Scans blocks again whose values are read otherwise now that the types of all of the data are known."""
    again = {
        (profile.block.path, profile.block.group, profile.block.start)
        for profile in profiles
        if not _stays(profile.types, task.known, task.wanted.rule)
    }
    if not again:
        return profiles
    renewed = pool.map(task, paths, task.options, "looking again at some of the data", block_bytes, again)
    by_place = {(new.block.path, new.block.group, new.block.start): new for new in renewed}
    places = [(profile.block.path, profile.block.group, profile.block.start) for profile in profiles]
    return [by_place.get(place, profile) for place, profile in zip(places, profiles, strict=True)]


def _stays(own: Types, known: Types, rule: Rule | None) -> bool:
    """Tells whether a block would give the same values, and the same keys, with the types of all of the data."""
    if not all(types.stays(kind, known[name]) for name, kind in own.items() if name in known):
        return False
    if rule is None or not own:
        return True
    if rule.by == "time":  # whole numbers are not ordered as fractions are
        kind, all_kind = own.get(str(rule.column), pa.null()), known[str(rule.column)]
        return bool(kind == all_kind or (pa.types.is_null(kind) and not pa.types.is_floating(all_kind)))
    return rule.by == "key" or own.keys() == known.keys()  # a missing value counts for the hash of a row


def _numbered(profiles: Sequence[BlockProfile], options: ReadOptions) -> tuple[Rejected, ...]:
    """Turns numbers within blocks into numbers within files."""
    found = []
    before: dict[str, int] = {}
    for profile in profiles:
        path = profile.block.path
        if profile.rejected:
            header, lines = format_of(path).rows_before(profile.block, options)
            for entry in profile.rejected:
                line = None if entry.line is None or lines is None else entry.line + lines
                found.append(replace(entry, row=entry.row + before.get(path, 0) + header, line=line))
        before[path] = before.get(path, 0) + profile.rows + len(profile.rejected)
    return tuple(found)


def _stop_at_bad_rows(scans: Sequence[Scan], options: ReadOptions) -> None:
    rejected = [entry for scan in scans for entry in scan.rejected]
    if rejected and options.on_bad_row == "fail":
        raise rejected[0].to_error(len(rejected) - 1)
