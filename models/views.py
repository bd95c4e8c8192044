"""What a model of somebody else sees of the data: its inputs decide, by their names and shapes."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tfx_automl.errors import ModelError
from tfx_automl.models.data import Arrays
from tfx_automl.models.inputs import InputSpec

# Names that Keras gives by itself.
_UNNAMED = re.compile(r"(keras_tensor|input_layer|input)(_\d+)?")


@dataclass(frozen=True)
class Column:
    """One input of a model.

    Attributes:
        block: The field of `Arrays` that it is taken from.
        number: Which column of it; None takes all.
        shape: Of a row.
        dtype: To convert to; None leaves the values as they are, since a model converts to what its inputs declare.
    """

    block: str
    number: int | None
    shape: tuple[int, ...]
    dtype: str | None = None

    def of(self, arrays: Arrays) -> npt.NDArray[Any]:
        """Returns the values, shape [rows, *shape]."""
        values: npt.NDArray[Any] = getattr(arrays, self.block)
        if self.number is not None:
            values = values[:, self.number]
        return values.reshape(len(arrays), *self.shape).astype(self.dtype or values.dtype, copy=False)


@dataclass(frozen=True)
class View:
    """What a model sees.

    Attributes:
        columns: By the name of the input; under the empty name the one that is handed over by itself.
    """

    columns: dict[str, Column]

    def of(self, arrays: Arrays) -> Any:
        """Returns the rows in the form that the model takes: an array, or a dictionary of arrays by input."""
        taken = {name: column.of(arrays) for name, column in self.columns.items()}
        return taken.get("", taken)

    def __str__(self) -> str:
        kinds = {"image": "uint8 0 to 255", "numeric": "float32", "categorical": "int32"}
        return ", ".join(
            f"{name or column.block} ({column.dtype or kinds[column.block]}) {['rows', *column.shape]}".replace("'", "")
            for name, column in self.columns.items()
        )


def view_of(model: Any, inputs: InputSpec) -> View:
    """Finds out what a model is to see.

    An input may have the name of a transformed feature (`age_xf`), or of a block: `numeric`, `categorical`, `image`. A
    single input without a name of its own gets the image, or else all numeric features side by side. A model that
    declares no inputs gets the same or, unless it is a `Sequential`, a dictionary of the blocks where there are
    categorical features.

    Args:
        model: A `keras.Model`.
        inputs: What there is.

    Raises:
        ModelError: An input has a name or a shape that does not fit the data.
    """
    import keras

    tensors = dict(_inputs_of(model))
    if not tensors:
        return _undeclared(inputs, isinstance(model, keras.Sequential))
    if len(tensors) == 1 and _UNNAMED.fullmatch(next(iter(tensors))):
        tensor = next(iter(tensors.values()))
        return View({"": _column("image" if inputs.image else "numeric", tensor.shape[1:], inputs)})
    known = {"numeric": inputs.numeric, "categorical": inputs.categorical, "image": inputs.image}
    blocks = tuple(name for name, there in known.items() if there)
    unknown = [name for name in tensors if name not in (*blocks, *inputs.names)]
    if unknown:
        raise ModelError(
            f"The model has the inputs {', '.join(unknown)}, which the data has not; known are the blocks"
            f" {', '.join(blocks)} and the features {', '.join(inputs.names)}; or a single input without a name."
        )
    return View({name: _column(name, tensor.shape[1:], inputs) for name, tensor in tensors.items()})


def _inputs_of(model: Any) -> Iterator[tuple[str, Any]]:
    """Yields the names and tensors of the declared inputs; nothing for a model that is built by its first call."""
    tensors = getattr(model, "inputs", None) if model.built else None
    structure = getattr(model, "input", None)
    if tensors and isinstance(structure, dict):
        yield from structure.items()
    else:
        yield from ((tensor.name, tensor) for tensor in tensors or ())


def _undeclared(inputs: InputSpec, single: bool) -> View:
    image = inputs.image
    if image:  # a layer that is called by itself does not convert integers, so they become numbers here
        return View({"": Column("image", None, (image.height, image.width, image.channels), "float32")})
    blocks = {kind: Column(kind, None, (len(getattr(inputs, kind)),)) for kind in ("numeric", "categorical")}
    if single or not inputs.categorical:
        return View({"": blocks["numeric"]})
    return View({kind: column for kind, column in blocks.items() if column.shape != (0,)})


def _column(name: str, shape: tuple[int | None, ...], inputs: InputSpec) -> Column:
    """Returns what an input gets, after comparing shapes (of a row, None for any length)."""
    found = _of_the_data(name, len(shape), inputs)
    wanted = tuple(have if want is None else want for want, have in zip(shape, found.shape, strict=False))
    if len(found.shape) != len(shape) or wanted != found.shape or 0 in found.shape:
        raise ModelError(
            f"The model's input for {name} has the shape {['rows', *shape]}, the data has {['rows', *found.shape]}."
        )
    return found


def _of_the_data(name: str, rank: int, inputs: InputSpec) -> Column:
    image = inputs.image
    if image and name in ("image", image.name):
        whole = (image.height, image.width, image.channels)
        flat = {1: (image.size,), 2: (image.height, image.width)} if image.channels == 1 else {1: (image.size,)}
        return Column("image", None, flat.get(rank, whole))
    if name in ("numeric", "categorical"):
        return Column(name, None, (len(getattr(inputs, name)),))
    single = () if rank == 0 else (1,)
    if name in inputs.numeric:
        return Column("numeric", inputs.numeric.index(name), single)
    return Column("categorical", [feature for feature, _ in inputs.categorical].index(name), single)


def labels_of(arrays: Arrays, output: Any) -> npt.NDArray[Any]:
    """Returns the labels: [rows, 1] for a model whose output has that shape, since some metrics insist, else [rows].

    Args:
        arrays: The rows.
        output: What the model returns for some rows.
    """
    label = np.asarray(arrays.label)
    return label[:, None] if tuple(getattr(output, "shape", ()))[1:] == (1,) else label
