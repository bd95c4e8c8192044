"""What runs under the Python that has the SDK of Kubeflow Pipelines or of Vertex, in a process of its own.

That Python need not have this package: nothing here imports more than the standard library, the SDK, and its
neighbours.
"""
