"""The component ExampleGen."""

from google.protobuf import wrappers_pb2
from tfx.components.example_gen import component as stock
from tfx.dsl.components.base import executor_spec
from tfx.proto import example_gen_pb2

from tfx_automl.components.example_gen import executor, remote_files
from tfx_automl.components.example_gen.options import ReadOptions
from tfx_automl.errors import ConfigError

remote_files.register()  # the driver, which runs before the executor, has to find files on every kind of path


class ExampleGen(stock.FileBasedExampleGen):
    """Reads files into `Examples`, column by column.

    Spans, versions, fingerprints and the cache are those of stock file-based ExampleGens: the same driver does them.

    Outputs:
        examples: `Examples` with gzip-compressed TFRecord files of tf.Example, or Parquet files. Its custom property
            `row_counts` holds JSON with `read`, `dropped_without_label`, `rejected` and `splits` (rows by split);
            `moments` the names of columns that were dates and are seconds since 1970 now. Rows that could not
            be read, where they are to be skipped, are listed in `rejected.csv`.
    """

    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(executor.Executor)

    def __init__(
        self,
        input_base: str,
        input_config: example_gen_pb2.Input | None = None,
        output_config: example_gen_pb2.Output | None = None,
        read: ReadOptions | None = None,
        output_data_format: int = example_gen_pb2.FORMAT_TF_EXAMPLE,
    ) -> None:
        """Constructs the component.

        Args:
            input_base: The folder with the files.
            input_config: Which files make which split, as stock ExampleGen has it; unset takes every file as one split
                that is then divided.
            output_config: Hash buckets per split, as stock ExampleGen has it: they become the shares of `read`. Only
                with an `input_config` of a single split.
            read: How to read and divide.
            output_data_format: `FORMAT_TF_EXAMPLE` or `FORMAT_PARQUET`, as stock ExampleGen has it.

        Raises:
            ConfigError: Shares are given twice, or for files that already are splits; or another format is asked for.
        """
        if output_data_format not in (example_gen_pb2.FORMAT_TF_EXAMPLE, example_gen_pb2.FORMAT_PARQUET):
            name = example_gen_pb2.PayloadFormat.Name(output_data_format)
            raise ConfigError(f"output_data_format: expected FORMAT_TF_EXAMPLE or FORMAT_PARQUET, got {name}.")
        options = read or ReadOptions()
        packed = example_gen_pb2.CustomConfig()
        packed.custom_config.Pack(wrappers_pb2.StringValue(value=options.to_json()))
        super().__init__(
            input_base=input_base,
            input_config=input_config,
            output_config=_output_config(input_config, output_config, options),
            custom_config=packed,
            output_data_format=output_data_format,
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
