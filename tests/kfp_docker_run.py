"""Runs under the Kubeflow SDK's own Python, in build/kfp: runs a compiled pipeline, each task in a container.

python kfp_docker_run.py FILE ROOT
"""

import sys

from kfp import components, local

if __name__ == "__main__":
    file, root = sys.argv[1:]
    local.init(runner=local.DockerRunner(network_disabled=True), pipeline_root=root, raise_on_error=True)
    components.load_component_from_file(file)()
