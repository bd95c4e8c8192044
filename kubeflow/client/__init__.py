"""Submits compiled pipelines to Kubeflow Pipelines or Vertex, follows them, and writes manifests for serving."""
