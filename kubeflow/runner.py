"""The runner for pipelines in Python code."""

from pathlib import Path
from typing import Any

from tfx_automl.kubeflow.compiler import CompiledPipeline, compile_pipeline
from tfx_automl.kubeflow.settings import KubeflowConfig


class KubeflowRunner:
    """Compiles pipelines, where TFX's own runners would run them.

    Example:
        KubeflowRunner(KubeflowConfig(image="registry/image", pipeline_root="gs://bucket/root")).run(pipeline)
    """

    def __init__(self, config: KubeflowConfig, output: str | None = None) -> None:
        """Makes a runner.

        Args:
            config: How pipelines are compiled.
            output: The file that is written; by default `<name of the pipeline>.yaml` in the present folder.
        """
        self._config = config
        self._output = output
        self._exit_handler: Any = None

    def set_exit_handler(self, component: Any) -> None:
        """Has a component run at the end of every run, whatever happened.

        Args:
            component: One that is not in the pipeline. A parameter that is TFX's `FinalStatusStr` learns how it ended.
        """
        self._exit_handler = component

    def run(self, pipeline: Any) -> CompiledPipeline:
        """Compiles a pipeline and writes the file for Kubeflow or Vertex.

        Args:
            pipeline: A `tfx.v1.dsl.Pipeline`.

        Raises:
            ConfigError: The pipeline has what cannot be expressed or imported.
        """
        compiled = compile_pipeline(pipeline, self._config, self._exit_handler)
        target = Path(self._output or f"{compiled.name}.yaml")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(compiled.yaml(), encoding="utf-8")
        return compiled
