"""Does the work of ingestion as steps of Beam, on whatever runner the pipeline names."""

import os
import pickle
import re
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from tfx_automl.components.example_gen.pool import Pool, T, Task, measured
from tfx_automl.components.example_gen.readers import Block

_RUNNER = re.compile(r"--runner=(?:[\w.]+\.)?(\w+)")
_LOCAL = {"DirectRunner", "BundleBasedDirectRunner", "SwitchingDirectRunner", "PrismRunner", "FnApiRunner"}
# Their workers share no folder with this process, through which results come back.
_WITHOUT_A_FOLDER = {"DataflowRunner"}


def runs_elsewhere(beam_arguments: Sequence[str]) -> bool:
    """Tells whether Beam's arguments name a runner that is not this machine's own, and whose workers share folders."""
    found = [match[1] for argument in beam_arguments if (match := _RUNNER.match(argument))]
    return bool(found) and found[-1] not in _LOCAL | _WITHOUT_A_FOLDER


class BeamPool(Pool):
    """Each piece of work is an element of a Beam step; results come back as files beside the output.

    Args:
        make_pipeline: Makes a `beam.Pipeline` with the right options.
        folder: A folder that the workers and this process share.
    """

    def __init__(self, make_pipeline: Callable[[], Any], folder: Path) -> None:
        self._make_pipeline = make_pipeline
        self._folder = folder

    def _run(self, task: "Task[T]", work: Iterable[list[Block]], total: int) -> Iterator[tuple[list[T], int]]:
        import apache_beam as beam

        results = self._folder / f".results-{uuid.uuid4().hex}"
        results.mkdir(parents=True)
        elements = [(number, blocks) for number, blocks in enumerate(work)]
        with self._make_pipeline() as pipeline:
            (
                pipeline
                | "Work" >> beam.Create(elements)
                | "Spread" >> beam.Reshuffle()
                | "Do" >> beam.Map(_do, task, str(results))
            )
        for number, _ in elements:
            path = results / f"{number:06d}"
            yield pickle.loads(path.read_bytes())
            path.unlink()
        results.rmdir()


def _do(element: tuple[int, list[Block]], task: "Task[T]", folder: str) -> None:
    """Does a piece of work and writes its result in one step: Beam may do a piece twice."""
    number, blocks = element
    temporary = os.path.join(folder, f".{number:06d}-{uuid.uuid4().hex}")
    with open(temporary, "wb") as file:
        pickle.dump(measured(task, blocks), file)
    os.replace(temporary, os.path.join(folder, f"{number:06d}"))
