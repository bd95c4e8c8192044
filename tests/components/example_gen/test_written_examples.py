"""What the writer puts into tf.Example is what the table holds."""

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from tfx_automl.components.example_gen.writer import TfRecordWriter

_COLUMNS = {
    "i": st.integers(-(2**63), 2**63 - 1),
    "f": st.floats(width=32, allow_nan=False),
    "s": st.text(max_size=8),
    "b": st.binary(max_size=8),
}
_TYPES = {"i": pa.int64(), "f": pa.float64(), "s": pa.string(), "b": pa.binary()}
_ROWS = st.lists(st.fixed_dictionaries({k: st.none() | v for k, v in _COLUMNS.items()}), min_size=1, max_size=20)


def _read(folder) -> list[dict[str, object]]:
    import tensorflow as tf

    files = [str(path) for path in sorted(folder.iterdir())]
    return [
        _values(tf.train.Example.FromString(record))
        for record in tf.data.TFRecordDataset(files, compression_type="GZIP").as_numpy_iterator()
    ]


def _values(example) -> dict[str, object]:
    found = {name: (*f.int64_list.value, *f.float_list.value, *f.bytes_list.value) for name, f in _features(example)}
    return {name: values[0] for name, values in found.items() if values}


def _features(example):
    return example.features.feature.items()


@settings(max_examples=30)
@given(rows=_ROWS, cut=st.integers(0, 20))
def test_round_trip(rows, cut, tmp_path_factory):
    whole = pa.table({name: pa.array([row[name] for row in rows], kind) for name, kind in _TYPES.items()})
    table = pa.concat_tables([whole.slice(0, cut), whole.slice(cut)])  # several chunks, some with an offset
    folder = tmp_path_factory.mktemp("split")
    with TfRecordWriter(folder / "one.gz") as writer:
        writer.write(table)
    expected = [
        {name: value.encode() if isinstance(value, str) else value for name, value in row.items() if value is not None}
        for row in rows
    ]
    assert _read(folder) == expected
