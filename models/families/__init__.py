"""Model families: each is one object with a search space and a way to build a network.

A new family is a module with a class like `base.Family` and one line in `FAMILIES`.
"""

from tfx_automl.errors import ModelError
from tfx_automl.models.families.base import Family
from tfx_automl.models.families.dense import Dense
from tfx_automl.models.families.mlp import Mlp
from tfx_automl.models.inputs import InputSpec

FAMILIES: dict[str, Family] = {family.name: family for family in (Mlp(), Dense())}


def get_family(name: str) -> Family:
    """Returns a family by name.

    Raises:
        ModelError: There is none of this name.
    """
    if name not in FAMILIES:
        raise ModelError(f"There is no model family {name!r}; there are {', '.join(FAMILIES)}.")
    return FAMILIES[name]


def family_for(name: str, inputs: InputSpec) -> Family:
    """Returns a family by name, or the one that suits the inputs for `auto`.

    Raises:
        ModelError: The family is unknown, or cannot take these inputs.
    """
    if name == "auto":
        return next(family for family in FAMILIES.values() if family.suits(inputs))
    family = get_family(name)
    if not family.suits(inputs):
        kind = "images" if inputs.image else "a table"
        raise ModelError(f"The model family {name!r} is not for {kind}; use auto or another of {', '.join(FAMILIES)}.")
    return family


__all__ = ["FAMILIES", "Family", "family_for", "get_family"]
