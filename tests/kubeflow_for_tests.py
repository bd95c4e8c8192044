"""A small pipeline with everything that a TFX pipeline may have; its components are importable by the tasks."""

from typing import Any

from tfx import types as tfx_types
from tfx import v1 as tfx
from tfx.dsl.component.experimental import container_component, placeholders
from tfx.dsl.component.experimental.annotations import OutputDict
from tfx.dsl.components.base import base_component, base_executor, executor_spec
from tfx.dsl.components.common import resolver
from tfx.orchestration.data_types import RuntimeParameter
from tfx.types import artifact, component_spec, standard_artifacts

Parameter = tfx.dsl.components.Parameter
InputArtifact = tfx.dsl.components.InputArtifact
OutputArtifact = tfx.dsl.components.OutputArtifact


class Note(artifact.Artifact):
    """An artifact of a type of our own, with a property of every kind."""

    TYPE_NAME = "TestNote"
    PROPERTIES = {
        "count": artifact.Property(type=artifact.PropertyType.INT),
        "share": artifact.Property(type=artifact.PropertyType.FLOAT),
        "author": artifact.Property(type=artifact.PropertyType.STRING),
    }


@tfx.dsl.components.component
def Count(start: Parameter[int]) -> OutputDict(total=int):  # type: ignore[valid-type]
    """Returns one more."""
    return {"total": start + 1}


@tfx.dsl.components.component
def Write(text: Parameter[str], factor: Parameter[float], times: Parameter[int], note: OutputArtifact[Note]) -> None:
    """Writes a file, and sets properties of every kind."""
    with open(f"{note.uri}/text.txt", "w", encoding="utf-8") as file:
        file.write(text * times)
    note.count, note.share, note.author = times, factor, "n"
    note.set_int_custom_property("big", 2**60)
    note.set_float_custom_property("half", 0.5)
    note.set_string_custom_property("yes", "no")


@tfx.dsl.components.component
def Read(note: InputArtifact[Note], times: Parameter[int]) -> OutputDict(length=int, summary=str):  # type: ignore[valid-type]
    """Reads the file, and checks that properties came over unchanged."""
    assert type(times) is int
    assert (note.count, note.share, note.author) == (2, 0.25, "n"), note
    assert note.get_int_custom_property("big") == 2**60
    assert note.get_float_custom_property("half") == 0.5
    assert note.get_string_custom_property("yes") == "no"
    with open(f"{note.uri}/text.txt", encoding="utf-8") as file:
        text = file.read()
    return {"length": len(text) * times, "summary": text}


@tfx.dsl.components.component
def Size(schema: InputArtifact[standard_artifacts.Schema]) -> OutputDict(size=int):  # type: ignore[valid-type]
    """Returns the length of a file that was imported."""
    assert schema.get_int_custom_property("version") == 3
    with open(f"{schema.uri}/schema.pbtxt", encoding="utf-8") as file:
        return {"size": len(file.read())}


@tfx.dsl.components.component
def Fail(total: InputArtifact[standard_artifacts.Integer]) -> OutputDict(never=int):  # type: ignore[valid-type]
    """Fails."""
    raise ValueError(f"the number {total.value} is not welcome")


@tfx.dsl.components.component
def Say(text: Parameter[str], path: Parameter[str]) -> None:
    """Writes a text to a file outside the pipeline."""
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


Upper = container_component.create_container_component(
    name="Upper",
    image="python:3.10-slim",
    inputs={"number": standard_artifacts.Integer, "note": Note},
    outputs={"note_out": Note, "line": standard_artifacts.String},
    parameters={"suffix": str},
    command=[
        "sh",
        "-c",
        'tr a-z A-Z < "$1/text.txt" > "$2/text.txt" && printf "%s" "$4" > "$3"',
        "sh",
        placeholders.InputUriPlaceholder("note"),
        placeholders.OutputUriPlaceholder("note_out"),
        placeholders.OutputUriPlaceholder("line"),
        placeholders.ConcatPlaceholder(
            [placeholders.InputValuePlaceholder("number"), "-", placeholders.InputValuePlaceholder("suffix")]
        ),
    ],
)


def nodes(schema: str, said: str, limit: int = 3) -> list[Any]:
    """Returns the components of the pipeline.

    Args:
        schema: Folder with a file schema.pbtxt, which is imported.
        said: File that is written if the number is larger than `limit`; with `.not` behind its name, if it is not.
        limit: See there.
    """
    count = Count(start=RuntimeParameter("start", int, 3))
    total = count.outputs["total"]
    write = Write(text="on", factor=0.25, times=2).with_id("Write_it.first")
    read = Read(note=write.outputs["note"], times=total.future()[0].value).with_id("Read")
    importer = tfx.dsl.Importer(
        source_uri=schema, artifact_type=standard_artifacts.Schema, custom_properties={"version": 3}
    ).with_id("Import")
    size = Size(schema=importer.outputs["result"])
    upper = Upper(number=total, note=write.outputs["note"], suffix="it's \"$HOME\" $(id) 'n'")
    with tfx.dsl.Cond(total.future()[0].value > limit):
        yes = Say(text="n", path=said).with_id("Say.yes")
    with tfx.dsl.Cond(total.future()[0].value < limit):
        no = Say(text="1e3", path=f"{said}.not").with_id("Say.no")
    with tfx.dsl.Cond(write.outputs["note"].future()[0].property("author") == "n"):
        author = Say(text="2026-01-01", path=f"{said}.author").with_id("Say.author")
    author.add_upstream_node(size)
    return [count, write, read, importer, size, upper, yes, no, author]


def make(schema: str = "gs://bucket/schema", said: str = "/said", limit: int = 3, more: tuple[Any, ...] = ()) -> Any:
    """Returns the pipeline.

    Args:
        schema: See `nodes`.
        said: See `nodes`.
        limit: See `nodes`.
        more: Further components.
    """
    return tfx.dsl.Pipeline(
        pipeline_name="Every_thing", pipeline_root="unused", components=[*nodes(schema, said, limit), *more]
    )


def failing() -> Any:
    """Returns a pipeline with a component that fails, one that needs it, and one that does not."""
    count = Count(start=1)
    fail = Fail(total=count.outputs["total"])
    after = Count(start=fail.outputs["never"].future()[0].value).with_id("After")
    return tfx.dsl.Pipeline(pipeline_name="failing", pipeline_root="unused", components=[count, fail, after])


@tfx.dsl.components.component
def Train(model: OutputArtifact[standard_artifacts.Model]) -> None:
    """Writes a file that says in which run it was made."""
    run = next(part for part in model.uri.split("/") if part.startswith("run-"))
    with open(f"{model.uri}/run", "w", encoding="utf-8") as file:
        file.write(run)


@tfx.dsl.components.component
def Shards(examples: OutputArtifact[standard_artifacts.Examples]) -> None:
    """Makes examples: an empty folder."""


@tfx.dsl.components.component
def Judge(
    model: InputArtifact[standard_artifacts.Model],
    blessed: Parameter[int],
    blessing: OutputArtifact[standard_artifacts.ModelBlessing],
) -> None:
    """Blesses a model or does not."""
    blessing.set_int_custom_property("blessed", blessed)
    blessing.set_int_custom_property("current_model_id", model.id)


@tfx.dsl.components.component
def Compare(old: InputArtifact[standard_artifacts.Model] = None) -> OutputDict(found=str):  # type: ignore[valid-type]
    """Says in which run the old model was made."""
    if old is None:
        return {"found": "nothing"}
    with open(f"{old.uri}/run", encoding="utf-8") as file:
        return {"found": file.read()}


class _SeveralExecutor(base_executor.BaseExecutor):
    """Reads all models that it gets."""

    def Do(self, input_dict: Any, output_dict: Any, exec_properties: Any) -> None:
        """Writes in which runs they were made."""
        texts = []
        for model in input_dict["old"]:
            with open(f"{model.uri}/run", encoding="utf-8") as file:
                texts.append(file.read())
        output_dict["found"][0].write(" ".join(sorted(texts)))


class _SeveralSpec(tfx_types.ComponentSpec):
    INPUTS = {"old": component_spec.ChannelParameter(type=standard_artifacts.Model, optional=True)}
    OUTPUTS = {"found": component_spec.ChannelParameter(type=standard_artifacts.String)}
    PARAMETERS = {}


class Several(base_component.BaseComponent):
    """A component that takes several models at once."""

    SPEC_CLASS = _SeveralSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(_SeveralExecutor)

    def __init__(self, old: Any) -> None:
        super().__init__(_SeveralSpec(old=old, found=tfx_types.Channel(type=standard_artifacts.String)))


class Asking(resolver.ResolverStrategy):
    """A strategy that asks ML Metadata."""

    def resolve_artifacts(self, store: Any, input_dict: Any) -> Any:
        """Asks."""
        return store.get_artifacts()
