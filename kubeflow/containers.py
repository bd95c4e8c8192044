"""Components that run in an image of their own: TFX's placeholders become the platform's, in a line of shell.

The shell is there for two things that the platform does not do: to put the value of an artifact into the command line,
and to report the outputs.
"""

from collections.abc import Mapping
from typing import Any

from tfx_automl.errors import ConfigError
from tfx_automl.kubeflow.graph import Node
from tfx_automl.kubeflow.tasks import PROTOCOL


class _Words:
    """Collects the arguments of the shell, and the words of the command that refer to them.

    Nothing of the user's is ever part of the shell's text, so no quoting can go wrong.
    """

    def __init__(self) -> None:
        self.arguments: list[str] = []

    def add(self, text: str) -> str:
        """Returns the reference to a text."""
        self.arguments.append(text)
        return "${" + str(len(self.arguments)) + "}"


def container(node: Node, inputs: Mapping[str, str], parameters: Mapping[str, str], values: set[str]) -> dict[str, Any]:
    """Returns the container of a component that has an image of its own.

    Args:
        node: The component.
        inputs: Key of the platform by input.
        parameters: Key of the platform by execution property.
        values: Outputs that are files, not folders.

    Raises:
        ConfigError: A placeholder cannot be expressed.
    """
    if not node.executor.commands:
        raise ConfigError(f"{node.id}: the container has no command; give the one that its image has as entry point.")
    words = _Words()
    outputs = {key: words.add(f"{{{{$.outputs.artifacts['{key}'].path}}}}") for key in sorted(node.tfx.outputs)}
    uris = [words.add(f"{{{{$.outputs.artifacts['{key}'].uri}}}}") for key in sorted(node.tfx.outputs)]
    report = words.add("{{$.outputs.output_file}}")
    command = [_word(node, part, inputs, parameters, words) for part in (*node.executor.commands, *node.executor.args)]
    lines = [f"# Reports its outputs as {PROTOCOL} does.", "set -eu"]
    for key, folder in outputs.items():
        lines.append(f'mkdir -p "$(dirname "{folder}")"' if key in values else f'mkdir -p "{folder}"')
    lines.append(" ".join(f'"{word}"' for word in command))
    entries = ", ".join(
        f'"{key}": {{"artifacts": [{{"name": "{key}", "uri": "%s", "metadata": {{}}}}]}}' for key in sorted(outputs)
    )
    lines.append(f'mkdir -p "$(dirname "{report}")"')
    quoted = " ".join(f'"{uri}"' for uri in uris)
    lines.append(f'printf \'{{"artifacts": {{{entries}}}}}\' {quoted} > "{report}"'.replace("  >", " >"))
    shell = ["sh", "-c", "\n".join(lines), "sh"]
    return {"container": {"image": node.executor.image, "command": shell, "args": words.arguments}}


def _word(node: Node, expression: Any, inputs: Mapping[str, str], parameters: Mapping[str, str], words: _Words) -> str:
    """Returns a word of the command."""
    if expression.HasField("value"):
        return words.add(expression.value.string_value)
    if expression.HasField("operator") and expression.operator.HasField("concat_op"):
        parts = expression.operator.concat_op.expressions
        return "".join(_word(node, part, inputs, parameters, words) for part in parts)
    operator = expression.operator if expression.HasField("operator") else None
    if operator is not None and operator.HasField("artifact_value_op"):
        path = words.add(_path(node, _artifact(operator.artifact_value_op.expression), inputs))
        return f'$(cat "{path}")'
    if operator is not None and operator.HasField("artifact_uri_op") and not operator.artifact_uri_op.split:
        return words.add(_path(node, _artifact(operator.artifact_uri_op.expression), inputs))
    key = _property(expression)
    if key in parameters:
        return words.add(f"{{{{$.inputs.parameters['{parameters[key]}']}}}}")
    from tfx.dsl.compiler import placeholder_utils

    raise ConfigError(
        f"{node.id}: the placeholder {placeholder_utils.debug_str(expression)} in its command cannot be expressed; use "
        "uri or value of an artifact, or an execution property."
    )


def _artifact(expression: Any) -> Any:
    """Returns the artifact behind `[0]`."""
    indexed = expression.HasField("operator") and expression.operator.HasField("index_op")
    return expression.operator.index_op.expression.placeholder if indexed else expression.placeholder


def _property(expression: Any) -> str:
    from tfx.proto.orchestration import placeholder_pb2

    if expression.HasField("placeholder") and expression.placeholder.type == placeholder_pb2.Placeholder.EXEC_PROPERTY:
        return str(expression.placeholder.key)
    return ""


def _path(node: Node, placeholder: Any, inputs: Mapping[str, str]) -> str:
    from tfx.proto.orchestration import placeholder_pb2

    if placeholder.type == placeholder_pb2.Placeholder.OUTPUT_ARTIFACT:
        return f"{{{{$.outputs.artifacts['{placeholder.key}'].path}}}}"
    if placeholder.key not in inputs:
        raise ConfigError(f"{node.id}: its command names the input {placeholder.key!r}, which is not connected.")
    return f"{{{{$.inputs.artifacts['{inputs[placeholder.key]}'].path}}}}"
