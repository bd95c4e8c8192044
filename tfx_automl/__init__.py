"""AutoML inside TFX: raw data in, a tuned, fairness-gated, deployable model out.

The top-level folders of the repository are the sub-packages; imports point only upwards in this list:

    search      what to try next and when to stop; imports no TensorFlow, no TFX, no Beam
    models      what can be trained: tasks, model families, the compiled epoch, export
    components  TFX components: ExampleGen, Transform, Tuner, Trainer, Baseline, Evaluator
    pipelines   the pipeline, its configuration, the data sets, the command line
    view        what a run made, shown in a notebook
"""

from tfx_automl.errors import (
    ConfigError,
    DataError,
    EvaluationError,
    ModelError,
    SearchError,
    TfxAutomlError,
)

__version__ = "0.1.0"

__all__ = [
    "ConfigError",
    "DataError",
    "EvaluationError",
    "ModelError",
    "SearchError",
    "TfxAutomlError",
    "__version__",
]
