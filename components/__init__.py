"""TFX components, one folder each: `component.py` (spec and component), `executor.py` (a thin `Do`)."""
