"""Splits are exact, stratified, free of leaks, and the same whatever the order of the rows."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfx_automl.components.example_gen.hashing import hash_rows
from tfx_automl.components.example_gen.splits import CutFinder, Rule, keys_of
from tfx_automl.errors import DataError

RATIOS = {"train": 70, "eval": 15, "test": 15}
_ROWS = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 3)), min_size=12, max_size=60)
_SHARES = st.tuples(*[st.integers(1, 90)] * 3)


def _table(rows) -> pa.Table:
    return pa.table({"x": pa.array([row[0] for row in rows]), "y": pa.array([row[1] for row in rows])})


def split_rows(table: pa.Table, rule: Rule, blocks: int = 3) -> dict[str, np.ndarray]:
    """Divides a table as ingestion does: cuts are found block by block, and rows assigned one block at a time."""
    finder = CutFinder(rule)
    size = -(-table.num_rows // blocks)
    parts = [table.slice(start, size) for start in range(0, table.num_rows, size)]
    for part in reversed(parts):
        finder.add(keys_of(part, rule))
    cuts = finder.cuts()
    numbers = np.concatenate([cuts.assign(keys_of(part, rule)) for part in parts])
    return {name: np.flatnonzero(numbers == number) for number, name in enumerate(rule.ratios)}


def _split(table: pa.Table, ratios=RATIOS) -> dict[str, np.ndarray]:
    try:
        return split_rows(table, Rule(ratios, stratify_by="y"))
    except DataError:  # fewer distinct rows than splits in every class: nothing to divide
        return {}


@given(rows=_ROWS, shares=_SHARES)
def test_every_row_goes_to_one_split_and_equal_rows_to_the_same(rows, shares):
    table = _table(rows)
    splits = _split(table, dict(zip(RATIOS, shares, strict=True)))
    if splits:
        assert sorted(np.concatenate(list(splits.values())).tolist()) == list(range(len(rows)))
    homes: dict[tuple[int, int], set[str]] = {}
    for name, positions in splits.items():
        for position in positions.tolist():
            homes.setdefault(rows[position], set()).add(name)
    assert all(len(names) == 1 for names in homes.values())


@given(rows=_ROWS, random=st.randoms(use_true_random=False))
def test_order_of_the_rows_does_not_matter(rows, random):
    shuffled = random.sample(rows, len(rows))
    before, after = _split(_table(rows)), _split(_table(shuffled))
    assert set(before) == set(after)
    for name in before:
        assert sorted(rows[n] for n in before[name]) == sorted(shuffled[n] for n in after[name])


@given(count=st.integers(3, 400), shares=_SHARES)
def test_distinct_rows_are_cut_at_the_exact_share(count, shares):
    table = _table([(number, 0) for number in range(count)])
    splits = _split(table, dict(zip(RATIOS, shares, strict=True)))
    for name, share in zip(RATIOS, shares, strict=True):
        ideal = count * share / sum(shares)
        assert len(splits[name]) >= 1
        if min(shares) * count >= 2 * sum(shares):  # no split needs a row of its neighbour
            assert abs(len(splits[name]) - ideal) <= 1


def test_each_class_has_the_shares():
    generator = np.random.default_rng(0)
    classes = np.r_[np.zeros(1000, np.int64), np.ones(100, np.int64), np.full(3, 2)]
    table = pa.table({"x": generator.normal(size=len(classes)), "y": classes})
    counts = {name: np.bincount(classes[rows], minlength=3).tolist() for name, rows in _split(table).items()}
    assert counts == {"train": [700, 70, 1], "eval": [150, 15, 1], "test": [150, 15, 1]}


def test_hash_is_the_same_on_every_machine_and_in_every_version():
    table = pa.table({"a": [1, None, 3], "b": ["x", "", "é"], "c": [0.5, -0.0, None]})
    assert [hex(value) for value in hash_rows(table)] == [
        "0xd15c94a1bc0ad6ab",
        "0xe060fd1de3a22798",
        "0xbc5fcc30e1808199",
    ]


def test_hash_tells_missing_from_empty_and_ignores_the_order_of_columns():
    assert len(set(hash_rows(pa.table({"a": ["", None, "0"]})).tolist())) == 3
    table = pa.table({"a": [1, 2], "b": ["p", "q"]})
    assert hash_rows(table).tolist() == hash_rows(table.select(["b", "a"])).tolist()


def test_too_few_rows_for_the_splits():
    with pytest.raises(
        DataError, match=r"2 rows, of which those alike stay together, cannot fill the splits .*: test stays empty"
    ):
        split_rows(_table([(1, 0), (2, 0)]), Rule(RATIOS, stratify_by="y"))
