"""The pipeline, its typed configuration, the data sets, the command line."""
