"""Transforms whole files of examples at once: read, parse, transform and encode in batches; one file becomes one file.

The stock Transform moves every record on its own through Beam's Python; here a Beam element is a file, so that a
batch of thousands of rows costs a few calls into C++, and files are spread over the workers of any Beam runner.
"""

from typing import Any

import apache_beam as beam
import numpy as np
import pyarrow as pa
import tensorflow as tf
import tensorflow_transform as tft
from tfx_bsl.coders import example_coder

_BATCH_BYTES = 32 << 20
_MOST_ROWS_PER_BATCH = 8192


class TransformFile(beam.DoFn):
    """Transforms one file of serialized tf.Examples.

    Elements are pairs of paths: a gzip-compressed TFRecord file that exists, and one that is to be written.
    """

    def __init__(self, transform_graph: str) -> None:
        """Takes the folder of a `TransformGraph`."""
        self._folder = transform_graph

    def setup(self) -> None:
        """Loads the graph, once per worker."""
        output = tft.TFTransformOutput(self._folder)
        layer, specs = output.transform_features_layer(), output.raw_feature_spec()

        # Without autograph: rewriting the source of the layer, of TensorFlow Transform itself, takes seconds.
        @tf.function(input_signature=[tf.TensorSpec([None], tf.string)], autograph=False)
        def transform(serialized: Any) -> Any:
            return layer(tf.io.parse_example(serialized, specs))

        self._transform = transform
        self._encoder = example_coder.RecordBatchToExamplesEncoder()

    def process(self, element: tuple[str, str]) -> None:
        """Writes the second file of a pair from the first, in the same order."""
        source, target = element
        records = tf.data.TFRecordDataset(source, "GZIP")
        batches = records.batch(rows_per_batch(records)).prefetch(1)
        tf.io.gfile.makedirs(target.rpartition("/")[0])
        with tf.io.TFRecordWriter(target, tf.io.TFRecordOptions("GZIP", compression_level=1)) as writer:
            for batch in batches:
                for record in self._encoder.encode(_record_batch(self._transform(batch))):
                    writer.write(record)  # already encoded; the writer takes one record at a time


def rows_per_batch(records: Any) -> int:
    """Bounds a batch by rows and, as far as the first record tells, by bytes: images are large."""
    size = max((len(record) for record in records.take(1).as_numpy_iterator()), default=1)
    return max(1, min(_MOST_ROWS_PER_BATCH, _BATCH_BYTES // max(1, size)))


def _record_batch(features: dict[str, Any]) -> pa.RecordBatch:
    """Brings dense tensors of shape [rows] or [rows, width] into what the encoder wants: lists of values per row."""
    names = sorted(features)
    arrays = [features[name].numpy() for name in names]
    return pa.RecordBatch.from_arrays([_lists(array) for array in arrays], names)


def _lists(array: np.ndarray[Any, Any]) -> pa.LargeListArray:
    width = array.shape[1] if array.ndim > 1 else 1
    offsets = np.arange(0, (len(array) + 1) * width, width, dtype=np.int64)
    return pa.LargeListArray.from_arrays(pa.array(offsets), pa.array(array.reshape(-1)))
