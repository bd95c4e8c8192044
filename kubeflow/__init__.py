"""Compiles any TFX pipeline for Kubeflow Pipelines version 2 and for Vertex, and runs its tasks there."""
