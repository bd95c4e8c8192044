"""The part of a run's configuration that says where Beam runs, and Beam's own arguments that follow from it."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from tfx_automl.pipelines import converters
from tfx_automl.pipelines.option import option

RUNNERS = ("direct", "flink", "spark", "dataflow")
ENVIRONMENTS = ("loopback", "docker", "external", "process")
# In-process and single-threaded: Beam's multi_processing mode starts a Python per worker and has lost rows.
IN_PROCESS = (
    # What the DirectRunner takes in the end. It would first try to download Prism, a program, and to run that.
    "--runner=apache_beam.runners.portability.fn_api_runner.FnApiRunner",
    # Without an image TFX packs itself up for workers elsewhere, for every component: seconds each. There are none.
    "--sdk_container_image=none",
)
# Which runners an option is for.
_FOR = {
    "beam_endpoint": ("flink", "spark"),
    "beam_environment": ("flink", "spark"),
    "beam_environment_config": ("flink", "spark"),
    "beam_parallelism": ("flink", "dataflow"),
    "flink_rest": ("flink",),
    "dataflow_project": ("dataflow",),
    "dataflow_region": ("dataflow",),
    "dataflow_temp": ("dataflow",),
    "dataflow_image": ("dataflow",),
}
_NEEDED = {
    "beam_endpoint": "the job server, as in localhost:8099",
    "beam_environment": f"how Python workers are started: {', '.join(ENVIRONMENTS)}",
    "dataflow_project": "the Google Cloud project",
    "dataflow_region": "a region of Dataflow, as in europe-west1",
    "dataflow_temp": "a folder in a bucket, as in gs://bucket/temp",
    "dataflow_image": "an image with Beam's boot program, tfx_automl and all that it needs",
}
_CONFIG = {
    "docker": "an image with Beam's boot program, tfx_automl and all that it needs",
    "external": "the worker pool beside every worker, as in localhost:50000",
    "process": "the command that starts a worker",
}
# Spark ends the Python workers with each stage of a job, and starts others, unless they may wait so long for the next.
_SPARK_CACHE_MILLIS = 300_000
_BEAM_OPTION = re.compile(r"([a-z][a-z0-9_]*)(=.*)?", re.DOTALL)
_PLACE = re.compile(r"[^\s/:]+:(\d{1,5})")
_TYPED = {
    "runner": "--beam-runner",
    "job_endpoint": "--beam-endpoint",
    "environment_type": "--beam-environment",
    "environment_config": "--beam-environment-config",
    "parallelism": "--beam-parallelism",
    "max_num_workers": "--beam-parallelism",
    "project": "--dataflow-project",
    "region": "--dataflow-region",
    "temp_location": "--dataflow-temp",
    "sdk_container_image": "--dataflow-image",
    "job_name": "--output",
}


@dataclass(frozen=True, kw_only=True)
class BeamConfig:
    """Where Beam runs."""

    beam_runner: str = option(
        converters.text,
        "where Beam runs: direct (in this process), flink, spark or dataflow; docs/beam.md says when each pays",
        metavar="NAME",
        default="direct",
    )
    beam_endpoint: str | None = option(
        converters.text, "Beam's job server, for flink and spark", metavar="HOST:PORT", default=None
    )
    beam_environment: str | None = option(
        converters.text,
        "how flink and spark start Python workers: external (a worker pool beside each), docker, process, or loopback"
        " (in this process)",
        metavar="KIND",
        default=None,
    )
    beam_environment_config: str | None = option(
        converters.text,
        "for external the pool's HOST:PORT, for docker the image, for process the command",
        metavar="TEXT",
        default=None,
    )
    beam_parallelism: int | None = option(
        converters.whole,
        "how many Beam workers work at once: flink's parallelism, dataflow's most workers (default: theirs)",
        metavar="N",
        default=None,
    )
    flink_rest: str | None = option(
        converters.text,
        "Flink's REST interface: there, jobs of a run that failed, was interrupted or was killed are cancelled",
        metavar="HOST:PORT",
        default=None,
    )
    dataflow_project: str | None = option(
        converters.text, "the Google Cloud project of dataflow", metavar="NAME", default=None
    )
    dataflow_region: str | None = option(converters.text, "the region of dataflow", metavar="NAME", default=None)
    dataflow_temp: str | None = option(
        converters.text, "a folder in a bucket for dataflow's temporary files", metavar="gs://...", default=None
    )
    dataflow_image: str | None = option(
        converters.text, "the image of dataflow's workers", metavar="IMAGE", default=None
    )
    beam_option: tuple[str, ...] = option(
        converters.tokens,
        "any other option of Beam, as machine_type=n2-standard-4; repeatable",
        metavar="NAME=VALUE",
        repeat=True,
        default=(),
    )

    def beam_arguments(self, job_name: str) -> list[str]:
        """Returns the `beam_pipeline_args` of the pipeline.

        Args:
            job_name: What jobs are called in Flink and Spark, where they are found again by it.
        """
        others = [f"--{text}" for text in self.beam_option]
        if self.beam_runner == "direct":
            return [*IN_PROCESS, *others]
        return [*(self._dataflow() if self.beam_runner == "dataflow" else self._portable(job_name)), *others]

    def _portable(self, job_name: str) -> list[str]:
        # TFX packs itself up for workers unless an image is named; here they have everything.
        image = self.beam_environment_config if self.beam_environment == "docker" else "none"
        config = self.beam_environment_config
        if config and self.beam_environment == "process" and not config.lstrip().startswith("{"):
            config = json.dumps({"command": config})
        given = {
            "runner": "PortableRunner",
            "job_endpoint": self.beam_endpoint,
            "job_name": job_name,
            "environment_type": str(self.beam_environment).upper(),
            "environment_config": config,
            "parallelism": self.beam_parallelism,
            "sdk_container_image": image,
            "environment_cache_millis": _SPARK_CACHE_MILLIS if self.beam_runner == "spark" else None,
        }
        return [f"--{name}={value}" for name, value in given.items() if value is not None]

    def _dataflow(self) -> list[str]:
        given = {
            "runner": "DataflowRunner",
            "project": self.dataflow_project,
            "region": self.dataflow_region,
            "temp_location": self.dataflow_temp,
            "sdk_container_image": self.dataflow_image,
            "sdk_location": "container",  # Beam and all else are in the image: nothing is staged
            "max_num_workers": self.beam_parallelism,
        }
        return [f"--{name}={value}" for name, value in given.items() if value is not None]


def beam_checks(config: BeamConfig, trial_runner: str) -> Iterator[tuple[bool, str]]:
    """Yields what must hold for values to fit together, with the message for when it does not.

    Args:
        config: The configuration.
        trial_runner: What runs trials, `processes` or `beam`.
    """
    runner = config.beam_runner
    yield runner in RUNNERS, f"--beam-runner: expected one of {', '.join(RUNNERS)}, got {runner!r}."
    if runner in RUNNERS:
        yield from _fitting_the_runner(config)
        yield (
            runner != "dataflow" or trial_runner != "beam",
            "--runner beam with --beam-runner dataflow: trials keep checkpoints in a folder that all workers share, and"
            " Dataflow's share none; leave --runner at processes, or take flink or spark.",
        )
    yield from _of_the_environment(config)
    for name in ("beam_endpoint", "flink_rest"):
        yield from _is_place(_flag(name), getattr(config, name))
    number, temp = config.beam_parallelism, config.dataflow_temp
    yield number is None or number >= 1, f"--beam-parallelism: expected 1 or more, got {number}."
    yield (
        temp is None or re.fullmatch(r"gs://[^/\s]+(/\S*)?", temp) is not None,
        f"--dataflow-temp: expected a folder in a bucket, as in gs://bucket/temp, got {temp!r}.",
    )
    for text in config.beam_option:
        yield from _of_other_options(text)


def _fitting_the_runner(config: BeamConfig) -> Iterator[tuple[bool, str]]:
    """Every option of another runner is refused, and what this one needs is demanded."""
    runner = config.beam_runner
    for name, runners in _FOR.items():
        value = getattr(config, name)
        fits = f"{_flag(name)} is for --beam-runner {' or '.join(runners)}; got {value!r} with {runner}: leave it out"
        hint = " (the job server's master decides how many of Spark's workers work at once)."
        yield (
            value is None or runner in runners,
            fits + (hint if (runner, name) == ("spark", "beam_parallelism") else ", or name that runner."),
        )
        yield (
            value is not None or runner not in runners or name not in _NEEDED,
            f"--beam-runner {runner} needs {_flag(name)}: {_NEEDED.get(name)}.",
        )


def _of_the_environment(config: BeamConfig) -> Iterator[tuple[bool, str]]:
    kind, value = config.beam_environment, config.beam_environment_config
    known = kind is None or kind in ENVIRONMENTS
    yield known, f"--beam-environment: expected one of {', '.join(ENVIRONMENTS)}, got {kind!r}."
    yield (
        kind not in _CONFIG or value is not None,
        f"--beam-environment {kind} needs --beam-environment-config: {_CONFIG.get(str(kind))}.",
    )
    yield (
        kind != "loopback" or value is None,
        f"--beam-environment-config: loopback takes none, as workers run in this process; got {value!r}.",
    )
    if kind == "external":
        yield from _is_place("--beam-environment-config", value)


def _is_place(flag: str, text: str | None) -> Iterator[tuple[bool, str]]:
    match = _PLACE.fullmatch(text or "localhost:1")
    yield (
        match is not None and 0 < int(match[1]) < 2**16,
        f"{flag}: expected HOST:PORT, as in localhost:8099, got {text!r}.",
    )


def _of_other_options(text: str) -> Iterator[tuple[bool, str]]:
    match = _BEAM_OPTION.fullmatch(text)
    yield match is not None, f"--beam-option: expected NAME=VALUE, as in machine_type=n2-standard-4, got {text!r}."
    typed = _TYPED.get(match[1]) if match else None
    yield typed is None, f"--beam-option: {text!r} is what {typed} says already; leave it out."


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")
