"""What runs in the container of a task: `python -m tfx_automl.kubeflow.task`."""
