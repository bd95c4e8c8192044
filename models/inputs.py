"""What a model sees: the transformed features, sorted by how they enter a network."""

import json
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
        numeric: Features that enter as they are, float32.
        categorical: Features that are an index, with the number of values that the index can have.
        image: The image, if there is one.

    Raises:
        ModelError: There is nothing to learn from.
    """

    numeric: tuple[str, ...] = ()
    categorical: tuple[tuple[str, int], ...] = ()
    image: Image | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "numeric", tuple(self.numeric))
        object.__setattr__(self, "categorical", tuple((name, int(count)) for name, count in self.categorical))
        if not self.numeric and not self.categorical and self.image is None:
            raise ModelError("There is no feature to learn from: all were dropped. The feature plan tells why.")

    @property
    def names(self) -> tuple[str, ...]:
        """All features, in the order of the columns."""
        image = (self.image.name,) if self.image else ()
        return (*self.numeric, *(name for name, _ in self.categorical), *image)

    def to_json(self) -> str:
        """Returns the specification as JSON text."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "InputSpec":
        """Reads what `to_json` wrote."""
        values = json.loads(text)
        image = Image(**values["image"]) if values["image"] else None
        return cls(tuple(values["numeric"]), tuple((name, count) for name, count in values["categorical"]), image)


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
    numeric = (f.name for f in features if f.name not in categorical)
    image = Image(IMAGE, *image_shape) if image_shape else None
    return InputSpec(tuple(sorted(numeric)), tuple(sorted(categorical.items())), image)


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
    """Returns the raw features that each input comes from; none where its name does not tell."""
    outputs_of = {name: (transformed_name(name), transformed_name(f"{name}_missing")) for name in raw}
    return {name: tuple(column for column, outputs in outputs_of.items() if name in outputs) for name in inputs.names}
