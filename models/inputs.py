"""What a model sees: the transformed features, sorted by how they enter a network."""

import json
import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from tfx_automl.errors import ModelError
from tfx_automl.models.task import TaskSpec, transformed_name

# The raw columns that make an image, only all of them together: a column that is merely called `image` is none.
IMAGE_COLUMNS = ("image", "image/height", "image/width", "image/channels")
IMAGE = transformed_name(IMAGE_COLUMNS[0])
IMAGE_SIZES = tuple(map(transformed_name, IMAGE_COLUMNS[1:]))


@dataclass(frozen=True)
class Image:
    """An image feature: raw bytes, row by row.

    Attributes:
        name: The transformed feature.
        height: In pixels.
        width: In pixels.
        channels: 1 for grey, 3 for colour.
    """

    name: str
    height: int
    width: int
    channels: int

    @property
    def size(self) -> int:
        """Number of bytes."""
        return self.height * self.width * self.channels


@dataclass(frozen=True)
class InputSpec:
    """The inputs of a model.

    Attributes:
        numeric: Columns that enter as they are, float32; those of a vector are named `words_xf:0`, `words_xf:1`...
        categorical: Features that are an index, with the number of values that the index can have.
        image: The image, if there is one.
        vectors: Features that make several numeric columns, with their number.

    Raises:
        ModelError: There is nothing to learn from.
    """

    numeric: tuple[str, ...] = ()
    categorical: tuple[tuple[str, int], ...] = ()
    image: Image | None = None
    vectors: tuple[tuple[str, int], ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "vectors", tuple((name, int(width)) for name, width in self.vectors))
        object.__setattr__(self, "numeric", tuple(self.numeric))
        object.__setattr__(self, "categorical", tuple((name, int(count)) for name, count in self.categorical))
        if not self.numeric and not self.categorical and self.image is None:
            raise ModelError("There is no feature to learn from: all were dropped. The feature plan tells why.")

    @property
    def names(self) -> tuple[str, ...]:
        """All columns, in their order."""
        image = (self.image.name,) if self.image else ()
        return (*self.numeric, *(name for name, _ in self.categorical), *image)

    @property
    def numeric_features(self) -> tuple[tuple[str, int], ...]:
        """The features that make the numeric columns, in the order of these, with the number of columns of each."""
        owners = {column: name for name, width in self.vectors for column in vector_columns(name, width)}
        return tuple(Counter(owners.get(column, column) for column in self.numeric).items())

    @property
    def features(self) -> tuple[str, ...]:
        """All transformed features, in the order of their columns."""
        image = (self.image.name,) if self.image else ()
        return (*(name for name, _ in self.numeric_features), *(name for name, _ in self.categorical), *image)

    def to_json(self) -> str:
        """Returns the specification as JSON text."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "InputSpec":
        """Reads what `to_json` wrote."""
        values = json.loads(text)
        image = Image(**values["image"]) if values["image"] else None
        return cls(values["numeric"], values["categorical"], image, values.get("vectors", ()))


def inputs_from_schema(schema: Any, task: TaskSpec, image_shape: tuple[int, int, int] | None) -> InputSpec:
    """Sorts the features of a transformed schema; works for any Transform graph, not only for ours.

    Args:
        schema: `tensorflow_metadata` schema of the transformed data. An integer feature with a categorical domain is
            categorical; any other number is numeric.
        task: Tells which feature is the label.
        image_shape: Height, width and channels if the schema holds our image (see `has_image`).

    Raises:
        ModelError: A feature is text, or nothing is left.
    """
    from tensorflow_metadata.proto.v0 import schema_pb2

    of_the_image = (IMAGE, *IMAGE_SIZES) if image_shape else ()
    features = [f for f in schema.feature if f.name != task.transformed_label and f.name not in of_the_image]
    texts = [f.name for f in features if f.type == schema_pb2.BYTES]
    if texts:
        raise ModelError(
            f"The features {', '.join(sorted(texts))} are text after Transform; map them to numbers there."
        )
    categorical = {f.name: f.int_domain.max + 1 for f in features if f.int_domain.is_categorical}
    widths = {f.name: _width(f) for f in features if f.name not in categorical}
    vectors = {name: width for name, width in widths.items() if width > 1}
    numeric = [vector_columns(name, vectors[name]) if name in vectors else (name,) for name in sorted(widths)]
    image = Image(IMAGE, *image_shape) if image_shape else None
    columns = tuple(column for names in numeric for column in names)
    return InputSpec(columns, tuple(sorted(categorical.items())), image, tuple(sorted(vectors.items())))


def vector_columns(feature: str, width: int) -> tuple[str, ...]:
    """Returns the names of the numeric columns of a feature that is a vector."""
    return tuple(f"{feature}:{number}" for number in range(width))


def _width(feature: Any) -> int:
    """Returns how many numbers a row of a transformed feature has."""
    return math.prod(dim.size for dim in feature.shape.dim) if feature.HasField("shape") else 1


def has_image(schema: Any) -> bool:
    """Tells whether a transformed schema holds our image feature, with its size."""
    return {IMAGE, *IMAGE_SIZES} <= {feature.name for feature in schema.feature}


def are_images(columns: Iterable[str]) -> bool:
    """Tells whether raw columns hold images."""
    return set(IMAGE_COLUMNS) <= set(columns)


def raw_names(inputs: InputSpec, raw: Iterable[str]) -> tuple[str, ...]:
    """Returns the raw features that a request must hold.

    Our Transform names its outputs after their raw feature, so those that were dropped can be told. For another graph,
    all raw features are returned.
    """
    raw = tuple(raw)
    sources = raw_columns(inputs, raw)
    needed = {name for names in sources.values() for name in names}
    return tuple(name for name in raw if name in needed) if all(sources.values()) else raw


def raw_columns(inputs: InputSpec, raw: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Returns the raw features that each transformed feature comes from; none where its name does not tell."""
    outputs_of = {name: {transformed_name(f"{name}{end}") for end in ("", "_missing", "_target")} for name in raw}
    return {
        name: tuple(column for column, outputs in outputs_of.items() if name in outputs) for name in inputs.features
    }
