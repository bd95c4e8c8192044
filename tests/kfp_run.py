"""Runs under the Kubeflow SDK's own Python, in build/kfp: loads compiled pipelines as the SDK does, or runs them here.

python kfp_run.py load FILE...
python kfp_run.py run FILE ROOT PARAMETERS
"""

import json
import sys

import yaml
from google.protobuf import json_format
from kfp import components, local
from kfp.client import client
from kfp.pipeline_spec import pipeline_spec_pb2


def load(path: str) -> None:
    """Loads a pipeline in every way in which the SDK does it."""
    with open(path, encoding="utf-8") as file:
        documents = list(yaml.safe_load_all(file))
    json_format.ParseDict(documents[0], pipeline_spec_pb2.PipelineSpec())
    if len(documents) > 1:
        json_format.ParseDict(documents[1], pipeline_spec_pb2.PlatformSpec())
    components.load_component_from_file(path)
    client._extract_pipeline_yaml(path)


def run(path: str, root: str, parameters: str) -> None:
    """Runs a pipeline with SubprocessRunner."""
    local.init(runner=local.SubprocessRunner(use_venv=False), pipeline_root=root, raise_on_error=True)
    components.load_component_from_file(path)(**json.loads(parameters))


if __name__ == "__main__":
    if sys.argv[1] == "load":
        for name in sys.argv[2:]:
            load(name)
    else:
        run(*sys.argv[2:])
