"""The entry point of every task: `python -m tfx_automl.kubeflow.task --task ... --executor_input ...`."""

import sys

from tfx_automl.kubeflow.task.main import main

if __name__ == "__main__":
    sys.exit(main())
