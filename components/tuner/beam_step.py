"""One Beam step over the jobs of a wave, on whatever runner the options of the pipeline name."""

import pickle
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import apache_beam as beam

from tfx_automl.components.tuner.beam_worker import Order, run_order

# Makes a pipeline that is run once, as `BaseBeamExecutor._make_beam_pipeline` does.
MakePipeline = Callable[[], beam.Pipeline]

_LINES_OF_A_CAUSE = 4
_LONGEST_LINE = 400


@dataclass(frozen=True)
class StepFailure:
    """Why a step failed.

    Attributes:
        cause: The first lines of what Beam says.
        options: Options of the pipeline, as far as one could be made.
    """

    cause: str
    options: str


def pipelines_with(beam_pipeline_args: Sequence[str]) -> MakePipeline:
    """Returns what makes pipelines with these options."""
    return lambda: beam.Pipeline(argv=list(beam_pipeline_args))


def run_step(make_pipeline: MakePipeline, orders: Sequence[Order]) -> StepFailure | None:
    """Runs the orders, and waits until that is over.

    Args:
        make_pipeline: Makes the pipeline.
        orders: Each becomes an element that `run_order` gets.

    Returns:
        Why the step failed, if it did: what each job came to is in its file, so a failure is not the end.
    """
    options = "the pipeline could not be made"
    try:
        pipeline = make_pipeline()
        options = _options(pipeline)
        elements = [pickle.dumps(order) for order in orders]
        # Without the reshuffle, the jobs would be fused with what creates them, and run one after another.
        _ = (
            pipeline
            | "Jobs" >> beam.Create(elements, reshuffle=False)
            | "Spread" >> beam.Reshuffle()
            | "Run" >> beam.Map(run_order)
        )
        _wait_for(pipeline.run())
    except Exception as error:  # runners raise what they like, gRPC's errors and a worker's own included
        return StepFailure(_first_lines(error), options)
    return None


def _wait_for(result: beam.runners.runner.PipelineResult) -> None:
    try:
        result.wait_until_finish()
    except (KeyboardInterrupt, SystemExit):
        result.cancel()  # else the step goes on in the cluster
        raise


def _options(pipeline: beam.Pipeline) -> str:
    options = pipeline.options.get_all_options(drop_default=True)
    return " ".join(f"--{name}={value}" for name, value in sorted(options.items())) or "no pipeline options"


def _first_lines(error: Exception) -> str:
    lines = [line.strip()[:_LONGEST_LINE] for line in str(error).splitlines() if line.strip()]
    return " | ".join([type(error).__name__, *lines[:_LINES_OF_A_CAUSE]])
