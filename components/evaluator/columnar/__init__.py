"""The metrics of an evaluation, vectorised: the same numbers as TFMA's, from columns of predictions."""
