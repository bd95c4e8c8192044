"""Builds the container image in which the tasks of a pipeline run, and looks at whether one is fit for it."""
