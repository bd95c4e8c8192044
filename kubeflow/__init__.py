"""Running the pipeline on Kubeflow Pipelines: not built yet."""
