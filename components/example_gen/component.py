"""The component ExampleGen."""

import glob
import os

from google.protobuf import wrappers_pb2
from tfx.components.example_gen import component as stock
from tfx.dsl.components.base import executor_spec
from tfx.proto import example_gen_pb2

from tfx_automl.components.example_gen import executor
from tfx_automl.components.example_gen.options import ReadOptions
from tfx_automl.components.example_gen.readers import fingerprint_pattern
from tfx_automl.errors import ConfigError


class ExampleGen(stock.FileBasedExampleGen):
    """Reads files into `Examples`, column by column.

    Spans, versions, fingerprints and the cache are those of stock file-based ExampleGens: the same driver does them.

    Outputs:
        examples: `Examples` with gzip-compressed TFRecord files of tf.Example. Its custom property `row_counts` holds
            JSON with `read`, `dropped_without_label` and `splits` (rows by split).
    """

    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(executor.Executor)

    def __init__(
        self,
        input_base: str,
        input_config: example_gen_pb2.Input | None = None,
        output_config: example_gen_pb2.Output | None = None,
        read: ReadOptions | None = None,
    ) -> None:
        """Constructs the component.

        Args:
            input_base: The folder with the files.
            input_config: Which files make which split, as stock ExampleGen has it; unset takes every file as one split
                that is then divided.
            output_config: Hash buckets per split, as stock ExampleGen has it: they become the shares of `read`. Only
                with an `input_config` of a single split.
            read: How to read and divide.

        Raises:
            ConfigError: Shares are given twice, or for files that already are splits.
        """
        options = read or ReadOptions()
        packed = example_gen_pb2.CustomConfig()
        packed.custom_config.Pack(wrappers_pb2.StringValue(value=options.to_json()))
        super().__init__(
            input_base=input_base,
            input_config=input_config,
            output_config=_output_config(input_config, output_config, options),
            custom_config=packed,
        )


def _output_config(
    given_input: example_gen_pb2.Input | None, given_output: example_gen_pb2.Output | None, options: ReadOptions
) -> example_gen_pb2.Output:
    """Returns the buckets that divide a single input split: the given ones, else the shares of the options."""
    several = given_input is not None and len(given_input.splits) > 1
    if given_output is not None and given_output.split_config.splits:
        if several:
            raise ConfigError(
                "output_config has hash buckets, but input_config has several splits already; give one or the other."
            )
        return given_output
    if several:
        return example_gen_pb2.Output()
    split = example_gen_pb2.SplitConfig.Split
    splits = [split(name=name, hash_buckets=share) for name, share in options.split_ratios.items()]
    return example_gen_pb2.Output(split_config=example_gen_pb2.SplitConfig(splits=splits))


def input_for(train_path: str, test_path: str | None = None) -> tuple[str, example_gen_pb2.Input]:
    """Returns the input base and the input config for one file, or for a training and a test file.

    With a test file, set `divide_train` of the `ReadOptions` to get an eval split out of the training file.

    Args:
        train_path: The file with the training data.
        test_path: A file of its own for the split `test`.
    """
    paths = {"train": os.path.abspath(train_path)}
    if test_path is not None:
        paths["test"] = os.path.abspath(test_path)
    base = os.path.commonpath([os.path.dirname(path) for path in paths.values()])
    while glob.has_magic(base):  # TFX takes base and pattern together as one pattern, so the base cannot be escaped
        base = os.path.dirname(base)
    splits = [
        example_gen_pb2.Input.Split(name=name, pattern=fingerprint_pattern(os.path.relpath(path, base)))
        for name, path in paths.items()
    ]
    return base, example_gen_pb2.Input(splits=splits)
