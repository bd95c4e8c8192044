"""The user's own `tfma.EvalConfig`: read, checked, completed, measured, and joined with the Evaluator's."""
