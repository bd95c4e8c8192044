"""The packed trees against a walk through every tree, one row after the other."""

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sklearn.ensemble._hist_gradient_boosting.common import PREDICTOR_RECORD_DTYPE
from sklearn.ensemble._hist_gradient_boosting.predictor import TreePredictor

from tfx_automl.models.data import Arrays
from tfx_automl.models.trees import forest as forest_module
from tfx_automl.models.trees.forest import pack
from tfx_automl.models.trees.graph import ForestGraph
from tfx_automl.models.trees.inputs import Category, Number, TreeInputs

CODES = np.array([0, 1, np.nan, 2, np.nan, 3])  # the last index has no code, nor has one in the middle
INPUTS = TreeInputs(
    sets=(Category(0, CODES), Category(1, np.arange(40.0))),
    numbers=(Number(0), Number(1, 2)),
    ordered=(Category(2, CODES[::-1]),),
)
ROWS = 30


def _tree(rng: np.random.Generator, leaves: int) -> TreePredictor:
    """A tree of any shape; children stand behind their parents."""
    nodes = np.zeros(2 * leaves - 1, PREDICTOR_RECORD_DTYPE)
    nodes["is_leaf"], nodes["value"] = 1, rng.normal(size=len(nodes)) * 10.0 ** rng.integers(-3, 3)
    sets = []
    for split in range(leaves - 1):
        node = rng.choice(np.flatnonzero(nodes["is_leaf"][: 2 * split + 1]))
        left, right = 2 * split + 1, 2 * split + 2
        nodes[["left", "right", "depth"]][[left, right]] = 0
        nodes["depth"][[left, right]] = nodes["depth"][node] + 1
        nodes["is_leaf"][node], nodes["left"][node], nodes["right"][node] = 0, left, right
        nodes["feature_idx"][node] = rng.integers(len(INPUTS))
        nodes["missing_go_to_left"][node] = rng.integers(2)
        nodes["num_threshold"][node] = rng.choice([rng.normal(), np.float64(np.float32(0.1)), 0.1, 1.0, np.inf])
        if nodes["feature_idx"][node] < len(INPUTS.sets):
            nodes["is_categorical"][node], nodes["bitset_idx"][node] = 1, len(sets)
            sets.append(rng.integers(0, 2**32, 8, dtype=np.uint32))
    bits = np.array(sets, np.uint32).reshape(-1, 8)
    return TreePredictor(nodes, bits, bits)


def _walk(tree: TreePredictor, row: np.ndarray) -> float:
    node = tree.nodes[0]
    while not node["is_leaf"]:
        value = row[node["feature_idx"]]
        if np.isnan(value):
            left = node["missing_go_to_left"]
        elif node["is_categorical"]:
            left = tree.raw_left_cat_bitsets[node["bitset_idx"], int(value) // 32] >> (int(value) % 32) & 1
        else:
            left = value <= node["num_threshold"]
        node = tree.nodes[node["left" if left else "right"]]
    return float(node["value"])


def _rows(rng: np.random.Generator) -> Arrays:
    numeric = rng.choice([0.1, 1.0, -2.0, np.inf, -np.inf, *rng.normal(size=9)], (ROWS, 3)).astype(np.float32)
    numeric[:, 2] = rng.integers(0, 2, ROWS)
    category = rng.integers(-1, 8, (ROWS, 3)).astype(np.int32)  # also what there should not be
    return Arrays(numeric, category, np.zeros((ROWS, 0), np.uint8), np.zeros(ROWS))


@settings(max_examples=30)
@example(seed=26787483, rounds=1, outputs=1, splits=1)  # the tree is a single leaf
@given(
    seed=st.integers(0, 2**32),
    rounds=st.integers(0, 12),
    outputs=st.integers(1, 3),
    splits=st.sampled_from([1, 20, 4096]),
)
def test_any_trees_any_rows(seed, rounds, outputs, splits):
    rng = np.random.default_rng(seed)
    trees = [[_tree(rng, int(rng.integers(1, 12))) for _ in range(outputs)] for _ in range(rounds)]
    baseline, rows = rng.normal(size=outputs), _rows(rng)
    before, forest_module.SPLITS_PER_CHUNK = forest_module.SPLITS_PER_CHUNK, splits
    try:
        forest = pack(trees, baseline, INPUTS, 3.0, 5.0)
    finally:
        forest_module.SPLITS_PER_CHUNK = before
    high, low = ForestGraph(forest, INPUTS)({"numeric": rows.numeric, "categorical": rows.categorical})
    matrix = INPUTS.matrix(rows)
    sums = [[sum(_walk(trees_of[o], row) for trees_of in trees) for o in range(outputs)] for row in matrix]
    expected = (np.array(sums) + baseline) * 3.0 + 5.0
    scale = max(1.0, max((np.abs(tree.nodes["value"]).max() for each in trees for tree in each), default=0.0))
    found = high.numpy().astype(np.float64) + low.numpy()
    np.testing.assert_allclose(found / scale, expected / scale, atol=1e-6)


def test_thresholds_are_compared_exactly():
    """0.1 as float64 lies below its float32, which therefore goes right; a plain cast would send it left."""
    nodes = np.zeros(3, PREDICTOR_RECORD_DTYPE)
    nodes["is_leaf"], nodes["value"] = (0, 1, 1), (0, -1, 1)
    nodes["left"][0], nodes["right"][0], nodes["num_threshold"][0], nodes["depth"] = 1, 2, 0.1, (0, 1, 1)
    tree = TreePredictor(nodes, np.zeros((0, 8), np.uint32), np.zeros((0, 8), np.uint32))
    inputs = TreeInputs((), (Number(0),), ())
    values = np.array([[0.1], [np.nextafter(np.float32(0.1), np.float32(0))]], np.float32)
    assert float(values[0, 0]) > 0.1 > float(values[1, 0])
    high, low = ForestGraph(pack([[tree]], np.zeros(1), inputs, 1.0, 0.0), inputs)({"numeric": values})
    np.testing.assert_array_equal((high + low).numpy()[:, 0], [1, -1])
