"""A user's configuration, checked as a whole, and what of the rows it needs."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tfx_automl.components.evaluator.own.contradictions import contradictions
from tfx_automl.components.evaluator.own.given import read_config, slices_of
from tfx_automl.components.evaluator.own.slicing import feature_problem, names_in, slicing_problems
from tfx_automl.errors import ConfigError
from tfx_automl.models.task import TaskSpec


@dataclass(frozen=True)
class OwnConfig:
    """A configuration in which nothing was found wrong.

    Attributes:
        given: The `tfma.EvalConfig`, as the user wrote it.
        read: Names of raw features that metrics read.
    """

    given: Any
    read: frozenset[str]

    @classmethod
    def of(
        cls,
        text: str,
        task: TaskSpec,
        sensitive: Sequence[Sequence[str]] = (),
        known: Collection[str] | None = None,
    ) -> "OwnConfig":
        """Reads and checks a configuration.

        Args:
            text: Its JSON or text format.
            task: What the model predicts.
            sensitive: The groups of features whose slices are generated.
            known: The raw features; None if they are not known.

        Raises:
            ConfigError: With one sentence for everything in it that cannot be.
        """
        # Imported here because it loads TFMA, which a text that cannot even be read does not need.
        from tfx_automl.components.evaluator.own.metrics import examine_metrics

        given = read_config(text)
        problems = [*contradictions(given, task), *slicing_problems(given, task, sensitive)]
        findings = examine_metrics(given, task)
        own = cls(given, frozenset(findings.features))
        problems += [*findings.problems, *own.feature_problems(task, known)]
        if problems:
            raise ConfigError([f"eval_config: {problem}" for problem in problems])
        return own

    @property
    def sliced(self) -> tuple[str, ...]:
        """Names of the features that it slices on, sorted."""
        return tuple(sorted({name for _, spec in slices_of(self.given) for name in names_in(spec)}))

    @property
    def others(self) -> tuple[str, ...]:
        """Names of the other features that it needs, sorted: those that metrics read, weights and query keys."""
        return tuple(sorted({*self.read, *self._weights, *self._queries}))

    @property
    def weight(self) -> str | None:
        """Name of the feature with the weights of rows; None if they have none."""
        return next(iter(self._weights), None)

    @property
    def _weights(self) -> set[str]:
        return {spec.example_weight_key for spec in self.given.model_specs} - {""}

    @property
    def _queries(self) -> set[str]:
        return {spec.query_key for spec in self.given.metrics_specs} - {""}

    def feature_problems(self, task: TaskSpec, known: Collection[str] | None) -> Iterator[str]:
        """Yields the features that do not exist."""
        named = [(place, name) for place, spec in slices_of(self.given) for name in sorted(names_in(spec))]
        named = [pair for pair in named if pair[1] not in (task.label, task.transformed_label)]  # reported already
        named += [("example_weight_key", name) for name in sorted(self._weights)]
        named += [("query_key", name) for name in sorted(self._queries)]
        named += [("metrics_specs", name) for name in sorted(self.read)]
        for place, name in named:
            problem = feature_problem(place, name, task, known)
            if problem:
                yield problem
