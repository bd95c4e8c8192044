"""The pipeline: from a file to a pushed and fairness-checked model."""

from typing import Any

from tfx_automl.machine import usable_cores
from tfx_automl.models.task import TaskSpec
from tfx_automl.pipelines.config import RunConfig
from tfx_automl.pipelines.flink_jobs import job_name
from tfx_automl.pipelines.output import OutputFolder

PIPELINE_NAME = "tfx-automl"
LAST_BLESSED = "EarlierBlessedModel"


def _parallel_beam(workers: int) -> tuple[str, str]:
    """Threads are enough for the Tuner: each of its jobs runs in a process of its own."""
    return "--direct_running_mode=multi_threading", f"--direct_num_workers={workers}"


def build_pipeline(config: RunConfig, task: TaskSpec, output: OutputFolder, serving: str = "") -> Any:
    """Builds the pipeline; nothing runs yet.

    Args:
        config: What the user asked for.
        task: What is to be predicted, as found in the data.
        output: Where everything goes.
        serving: Where pushed models go, if that is elsewhere, such as in a bucket.

    Returns:
        A `tfx.v1.dsl.Pipeline` for LocalDagRunner, with SQLite ML Metadata and caching.

    Raises:
        ConfigError: A component refuses its part of the configuration.
    """
    from tfx import v1 as tfx

    metadata_config = tfx.orchestration.metadata.sqlite_metadata_connection_config(str(output.metadata))
    return tfx.dsl.Pipeline(
        pipeline_name=PIPELINE_NAME,
        pipeline_root=str(output.artifacts),
        components=_components(config, task, serving or str(output.serving)),
        enable_cache=True,
        metadata_connection_config=metadata_config,
        beam_pipeline_args=config.beam_arguments(job_name(config.output)),
    )


def _components(config: RunConfig, task: TaskSpec, serving: str) -> list[Any]:
    from tfx import v1 as tfx

    from tfx_automl.components.transform.component import Transform

    example_gen = _example_gen(config, task)
    examples = example_gen.outputs["examples"]
    statistics = tfx.components.StatisticsGen(examples=examples)
    # Inferred from train alone, so that the validator can find what is new in the other splits. Without fixed shapes,
    # so that a value may be missing, in the file and in a request.
    schema = tfx.components.SchemaGen(
        statistics=statistics.outputs["statistics"], infer_feature_shape=False, exclude_splits=["eval", "test"]
    )
    validator = tfx.components.ExampleValidator(
        statistics=statistics.outputs["statistics"], schema=schema.outputs["schema"]
    )
    transform = Transform(
        examples=examples,
        schema=schema.outputs["schema"],
        statistics=statistics.outputs["statistics"],
        task=task,
        exclude=config.exclude,
        materialize=config.materialize,
    )
    models = _model_components(config, task, transform, examples)
    return [
        example_gen,
        statistics,
        schema,
        validator,
        transform,
        *models,
        *_gate(config, task, serving, examples, schema.outputs["schema"], models),
    ]


def _example_gen(config: RunConfig, task: TaskSpec) -> Any:
    from tfx_automl.components.example_gen.component import ExampleGen
    from tfx_automl.components.example_gen.inputs import input_for

    input_base, input_config = input_for(config.data, config.test_data)
    return ExampleGen(input_base=input_base, input_config=input_config, read=read_options(config, task))


def read_options(config: RunConfig, task: TaskSpec | None = None) -> Any:
    """Returns how the data files are to be read and split."""
    from tfx_automl.components.example_gen.options import ReadOptions

    given: dict[str, Any] = {"columns": config.columns, "delimiter": config.delimiter, "label": config.label}
    if config.missing is not None:
        given["missing"] = config.missing
    given["task"] = task.kind if task else config.task
    given["divide_train"] = config.test_data is not None
    passed_on = ("encoding", "types", "on_bad_row", "split_key", "split_time", "split_column", "workers")
    given |= {name: getattr(config, name) for name in passed_on}
    given["split_ratios"] = dict(zip(("train", "eval", "test"), config.split, strict=True))
    return ReadOptions(**given)


def _model_components(config: RunConfig, task: TaskSpec, transform: Any, raw_examples: Any) -> list[Any]:
    from tfx_automl.components.baseline.component import Baseline
    from tfx_automl.components.trainer.component import Trainer
    from tfx_automl.components.tuner.component import Tuner

    data = transform.outputs["training_data"]
    graph = transform.outputs["transform_graph"]
    groups = _groups(config, task, raw_examples)
    tuner = Tuner(training_data=data, task=task, search=_search_options(config), **groups)
    if config.runner == "beam" and config.beam_runner == "direct":
        tuner = tuner.with_beam_pipeline_args(list(_parallel_beam(config.workers or usable_cores())))
    trainer = Trainer(
        training_data=data,
        transform_graph=graph,
        hyperparameters=tuner.outputs["best_hyperparameters"],
        base_model=tuner.outputs["best_model"],
        task=task,
        mode=config.trainer,
        max_epochs=config.max_epochs,
        steps_per_epoch=config.steps_per_epoch,
        patience=config.patience,
        objective=config.objective,
        constraints=config.constraint,
        threshold=config.threshold,
        group_thresholds=config.group_thresholds,
        distribution=config.distribution,
        seed=config.seed,
        **(groups if config.group_thresholds is None else _sensitive(config, raw_examples)),
    )
    return [tuner, trainer, Baseline(training_data=data, task=task, seed=config.seed)]


def _search_options(config: RunConfig) -> Any:
    """Returns how to search; where workers are elsewhere, a wave is as many jobs as run there at once."""
    options = config.search_options()
    elsewhere = config.runner == "beam" and config.beam_runner != "direct"
    return options.with_workers(config.workers or config.beam_parallelism) if elsewhere else options


def _groups(config: RunConfig, task: TaskSpec, raw_examples: Any) -> dict[str, Any]:
    """Returns what fairness gaps and weights need; nothing if none is asked for, so that nothing depends on it."""
    from tfx_automl.models.measures import needs_groups

    if config.weighed_by is None and not needs_groups(task, config.objective, config.constraint):
        return {}
    return _sensitive(config, raw_examples)


def _sensitive(config: RunConfig, raw_examples: Any) -> dict[str, Any]:
    weighed = config.weighed_by
    groups = {"sensitive": config.sensitive, "min_slice_size": config.min_slice_size, "cuts": config.cut}
    return {"raw_examples": raw_examples, **groups, **({} if weighed is None else {"reweigh": weighed})}


def _gate(config: RunConfig, task: TaskSpec, serving: str, examples: Any, schema: Any, models: list[Any]) -> list[Any]:
    from tfx import v1 as tfx

    from tfx_automl.components.evaluator.component import Evaluator
    from tfx_automl.components.evaluator.last_blessed import EarlierBlessedModelStrategy

    _, trainer, baseline = models
    last_blessed = tfx.dsl.Resolver(
        strategy_class=EarlierBlessedModelStrategy,
        model=tfx.dsl.Channel(type=tfx.types.standard_artifacts.Model),
        model_blessing=tfx.dsl.Channel(type=tfx.types.standard_artifacts.ModelBlessing),
    ).with_id(LAST_BLESSED)
    last_blessed.add_upstream_node(trainer)  # whose model is the newest one, then
    evaluator = Evaluator(
        examples=examples,
        model=trainer.outputs["model"],
        task=task,
        sensitive=config.sensitive,
        cuts=config.cut,
        baseline=baseline.outputs["baseline"],
        baseline_model=last_blessed.outputs["model"],
        schema=schema,
        **config.evaluator_arguments(),
    )
    pusher = tfx.components.Pusher(
        model=trainer.outputs["model"],
        model_blessing=evaluator.outputs["blessing"],
        push_destination=tfx.proto.PushDestination(
            filesystem=tfx.proto.PushDestination.Filesystem(base_directory=serving)
        ),
    )
    return [last_blessed, evaluator, pusher]
