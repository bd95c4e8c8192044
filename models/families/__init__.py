"""Model families: each is one object with a search space and a way to build a network.

A new family is a module with a class like `base.Family` and one line in `FAMILIES`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import zip_longest

from tfx_automl.errors import ModelError
from tfx_automl.models.data import TrainingData
from tfx_automl.models.families.base import Family, NetworkFamily
from tfx_automl.models.families.boosted_trees import BoostedTrees
from tfx_automl.models.families.cnn import Cnn
from tfx_automl.models.families.dense import Dense
from tfx_automl.models.families.linear import Linear
from tfx_automl.models.families.mlp import Mlp
from tfx_automl.models.families.resnet import ResNet
from tfx_automl.models.families.wide_deep import WideDeep
from tfx_automl.models.folds import CrossValidated
from tfx_automl.models.inputs import InputSpec
from tfx_automl.models.model import Model, Workplace
from tfx_automl.models.reduction import REDUCTION, Reduced, reduction_parameters
from tfx_automl.search.parameters import Choice, Condition, Fixed, Point, Value
from tfx_automl.search.space import Space

FAMILY = "family"
FAMILIES: dict[str, Family] = {
    family.name: family for family in (BoostedTrees(), Linear(), Mlp(), ResNet(), WideDeep(), Dense(), Cnn())
}


def get_family(name: str) -> Family:
    """Returns a family by name.

    Raises:
        ModelError: There is none of this name.
    """
    if name not in FAMILIES:
        raise ModelError(f"There is no model family {name!r}; there are {', '.join(FAMILIES)}.")
    return FAMILIES[name]


def families_for(names: Sequence[str], inputs: InputSpec) -> tuple[Family, ...]:
    """Returns families by name, or without names all that suit the inputs.

    Raises:
        ModelError: A family is unknown, or cannot take these inputs.
    """
    if not names:
        return tuple(family for family in FAMILIES.values() if family.suits(inputs))
    for name in names:
        if not get_family(name).suits(inputs):
            kind = "images" if inputs.image else "a table"
            fitting = ", ".join(family.name for family in families_for((), inputs))
            raise ModelError(f"The model family {name!r} is not for {kind}; leave it out, or choose among {fitting}.")
    return tuple(map(get_family, dict.fromkeys(names)))


def space_of(families: Sequence[Family], data: TrainingData) -> Space:
    """Returns the search space of several families: first the family, then its own hyperparameters."""
    names = tuple(family.name for family in families)
    under = {name: (Condition(FAMILY, (name,)),) for name in names} if len(names) > 1 else {names[0]: ()}
    own = [
        replace(parameter, conditions=(*under[family.name], *parameter.conditions))
        for family in families
        for parameter in family.parameters(data)
    ]
    first = Choice(FAMILY, names) if len(names) > 1 else Fixed(FAMILY, names[0])
    return Space((first, *own, *reduction_parameters(data.inputs)))


def defaults_of(families: Sequence[Family], data: TrainingData) -> list[Point]:
    """Returns the points that are often good: the best guess of every family, then the second best, and so on."""
    more: Point = {REDUCTION: "none"} if reduction_parameters(data.inputs) else {}
    points = [[{FAMILY: family.name, **point, **more} for point in family.defaults(data)] for family in families]
    return [point for rank in zip_longest(*points) for point in rank if point is not None]


def start_model(values: Mapping[str, Value], seed: int, workplace: Workplace) -> Model:
    """Returns an untrained model of the family that the values name.

    Raises:
        ModelError: There is no such family.
    """
    if workplace.folds > 1:
        return CrossValidated(lambda seed, place: start_model(values, seed, place), seed, workplace)
    family = get_family(str(values[FAMILY]))
    if values.get(REDUCTION, "none") != "none":
        return Reduced(lambda place: family.start(values, seed, place), values, workplace)
    return family.start(values, seed, workplace)


def check_distributable(name: str) -> None:
    """Makes sure that a family can be trained by several devices or processes together.

    Raises:
        ModelError: It is no family of networks.
    """
    if not isinstance(get_family(name), NetworkFamily):
        raise ModelError(
            f"distribution: the model family {name!r} is no network, so no batch of it can be shared out; set"
            " distribution to none, or search only networks."
        )


__all__ = [
    "FAMILIES",
    "FAMILY",
    "Family",
    "NetworkFamily",
    "check_distributable",
    "defaults_of",
    "families_for",
    "get_family",
    "space_of",
    "start_model",
]
