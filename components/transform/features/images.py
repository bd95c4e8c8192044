"""Images: raw pixels as they are; PNG and JPEG decoded and scaled to one size, in the graph and so at serving, too."""

from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from tfx_automl.components.transform.columns import Column, Numbers
from tfx_automl.components.transform.plan import FeatureDecision
from tfx_automl.models.inputs import IMAGE_COLUMNS
from tfx_automl.models.raw_tensors import dense
from tfx_automl.models.task import transformed_name

_FORMAT, _NAME = "image/format", "image/name"
#: Columns that ExampleGen makes of images.
ABOUT_IMAGES = (*IMAGE_COLUMNS, _FORMAT, _NAME)

# The longer side of a decoded image. More pixels make every step of a search slower, and small networks no better.
_LONGEST_SIDE = 48


def plan_image(name: str, columns: Mapping[str, Column]) -> FeatureDecision:
    """Decides about one of the columns `ABOUT_IMAGES`.

    Args:
        name: The column.
        columns: All columns; where `image/format` is among them, the images are files in a known format.
    """
    if name in (_FORMAT, _NAME):
        return FeatureDecision(name, "dropped", "tells how and where an image was stored, not what is in it")
    sides = {part.removeprefix("image/"): columns[part].values for part in IMAGE_COLUMNS[1:]}
    known = {side: numbers for side, numbers in sides.items() if isinstance(numbers, Numbers)}
    size = _planned(known) if _FORMAT in columns and len(known) == len(sides) else {}
    if name != "image":
        side = name.removeprefix("image/")
        parameters = {"size": size[side]} if size else {}
        return FeatureDecision(name, "image size", "tells the shape of the images; no input of the model", parameters)
    shape = " × ".join(f"{known[side].maximum:g}" if side in known else "?" for side in sides)
    if not size:
        return FeatureDecision(name, "image", f"images of {shape} (height × width × channels)")
    reason = f"images of up to {shape} (height × width × channels), decoded"
    planned = " × ".join(str(value) for value in size.values())
    return FeatureDecision(name, "image", f"{reason} and scaled to {planned}", size)


def _planned(sides: Mapping[str, Numbers]) -> dict[str, int]:
    """Returns the size of the median image, made smaller in proportion if need be; grey only if all images are."""
    height, width = sides["height"].median, sides["width"].median
    scale = min(1.0, _LONGEST_SIDE / max(height, width))
    channels = 3 if sides["channels"].maximum > 2 else 1  # two are grey and transparency
    return {"height": max(1, round(height * scale)), "width": max(1, round(width * scale)), "channels": channels}


def image(decision: FeatureDecision, raw: Any) -> dict[str, Any]:
    """Makes the feature of shape [rows]: the pixels, bytes, of an image, or one of its sizes, int64."""
    values = dense(raw, b"" if raw.dtype == tf.string else 0)
    if "size" in decision.parameters:
        values = tf.fill(tf.shape(values), tf.constant(decision.parameters["size"], tf.int64))
    elif decision.parameters:
        values = _decoded(values, *(decision.parameters[side] for side in ("height", "width", "channels")))
    return {transformed_name(decision.name): values}


def _decoded(contents: Any, height: int, width: int, channels: int) -> Any:
    """Decodes and scales one image after another; one that is missing is black.

    Returns:
        Text of shape [rows] with a byte for each of height × width × channels.
    """
    bytes_of = tf.constant([bytes([value]) for value in range(256)])
    black = bytes(height * width * channels)

    def decode(content: Any) -> Any:
        pixels = tf.io.decode_image(content, channels, expand_animations=False)
        pixels.set_shape([None, None, channels])
        scaled = tf.image.resize(pixels, [height, width], antialias=True)
        whole = tf.cast(tf.clip_by_value(tf.round(scaled), 0, 255), tf.int32)
        return tf.strings.reduce_join(tf.gather(bytes_of, tf.reshape(whole, [-1])))

    def one(content: Any) -> Any:
        return tf.cond(tf.equal(content, ""), lambda: tf.constant(black), lambda: decode(content))

    return tf.map_fn(one, contents, fn_output_signature=tf.TensorSpec([], tf.string))
