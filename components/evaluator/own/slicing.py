"""What in the slices of a user's configuration cannot be, and where thresholds stand that would never be looked at."""

import difflib
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

from tfx_automl.components.evaluator.own.given import slices_of, thresholds_of
from tfx_automl.models.task import TaskSpec, transformed_name

Sliced = tuple[frozenset[str], frozenset[tuple[str, str]]]
_SHOWN = 12


def sliced(spec: Any) -> Sliced:
    """Returns a `SlicingSpec` in a form that can be compared."""
    return frozenset(spec.feature_keys), frozenset(spec.feature_values.items())


def names_in(spec: Any) -> set[str]:
    """Returns the names of the features that a `SlicingSpec` slices on."""
    return {*spec.feature_keys, *spec.feature_values}


def slicing_problems(config: Any, task: TaskSpec, sensitive: Iterable[Sequence[str]]) -> Iterator[str]:
    """Yields one sentence for each mistake that shows without knowing the data.

    Args:
        config: A `tfma.EvalConfig`.
        task: What the model predicts.
        sensitive: The groups of features whose slices are generated.
    """
    for place, spec in (*slices_of(config), *_of_thresholds(config)):
        yield from _problems(place, spec, task)
    yield from _repeated("slicing_specs", map(sliced, config.slicing_specs))
    crossings = ((sliced(c.baseline_spec), frozenset(map(sliced, c.slicing_specs))) for c in config.cross_slicing_specs)
    yield from _repeated("cross_slicing_specs", crossings)
    yield from _never_looked_at(config, {frozenset(), *map(frozenset, sensitive)})


def feature_problem(place: str, name: str, task: TaskSpec, known: Collection[str] | None) -> str | None:
    """Returns why a feature cannot be used; None if it can.

    Args:
        place: Where it stands.
        name: Of the feature.
        task: What the model predicts.
        known: The raw features; None if they are not known.
    """
    if name in (task.label, task.transformed_label):
        return f"{place} names the label {name!r}: slices are made from other columns."
    if known is None or name in known:
        return None
    for raw in known:
        if name == transformed_name(raw):
            return f"{place} names the transformed feature {name!r}: slices are made from raw ones; name {raw!r}."
    near = difflib.get_close_matches(name, known, n=1)
    shown = ", ".join(sorted(known)[:_SHOWN]) + (", ..." if len(known) > _SHOWN else "")
    return (
        f"{place} names {name!r}, which is no feature: {f'did you mean {near[0]!r}?' if near else f'they are {shown}.'}"
    )


def _of_thresholds(config: Any) -> Iterator[tuple[str, Any]]:
    for place, _, holder in thresholds_of(config):
        for index, spec in enumerate(getattr(holder, "slicing_specs", ())):
            yield f"{place}.slicing_specs[{index}]", spec
        for index, crossing in enumerate(getattr(holder, "cross_slicing_specs", ())):
            for spec in (crossing.baseline_spec, *crossing.slicing_specs):
                yield f"{place}.cross_slicing_specs[{index}]", spec


def _problems(place: str, spec: Any, task: TaskSpec) -> Iterator[str]:
    if spec.slice_keys_sql:
        yield f"{place}.slice_keys_sql cannot be used: name features in feature_keys or feature_values."
    several = sorted({*(n for n, c in Counter(spec.feature_keys).items() if c > 1), *_both(spec)})
    if several:
        yield f"{place} names {', '.join(map(repr, several))} more than once."
    for name in sorted(names_in(spec)):
        problem = feature_problem(place, name, task, None)
        if problem:
            yield problem


def _both(spec: Any) -> set[str]:
    return set(spec.feature_keys) & set(spec.feature_values)


def _repeated(place: str, specs: Iterable[Any]) -> Iterator[str]:
    first: dict[Any, int] = {}
    for number, spec in enumerate(specs):
        if first.setdefault(spec, number) != number:
            yield f"{place}[{number}] repeats {place}[{first[spec]}]."


def _never_looked_at(config: Any, generated: set[frozenset[str]]) -> Iterator[str]:
    """Yields thresholds for slices that are not measured, which TFMA would count as failed after the run."""
    measured = generated | {frozenset(names_in(spec)) for _, spec in slices_of(config)}
    for place, _, holder in thresholds_of(config):
        if holder is None:
            continue
        crossings = getattr(holder, "cross_slicing_specs", None)
        if crossings is None:
            if not holder.slicing_specs:
                yield f"{place} has no slicing_specs; name the slices that it holds for."
            for spec in holder.slicing_specs:
                if frozenset(names_in(spec)) not in measured:
                    features = ", ".join(sorted(names_in(spec)))
                    yield f"{place} is for slices of {features}, which slicing_specs does not name; add them there."
        else:
            yield from _crossings_never_looked_at(place, config, crossings)


def _crossings_never_looked_at(place: str, config: Any, crossings: Any) -> Iterator[str]:
    if not crossings:
        yield f"{place} has no cross_slicing_specs; name the pairs of slices that it holds for."
    for crossing in crossings:
        if not crossing.slicing_specs:
            yield f"{place}: a pair of slices needs slicing_specs beside baseline_spec, or TFMA finds none."
        if sliced(crossing.baseline_spec) not in {sliced(c.baseline_spec) for c in config.cross_slicing_specs}:
            yield f"{place} compares with a baseline_spec that cross_slicing_specs does not name; add it there."
