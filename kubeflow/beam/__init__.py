"""Examples for `--beam-runner`: a Flink session cluster on Kubernetes, and the options of a run on each runner."""
