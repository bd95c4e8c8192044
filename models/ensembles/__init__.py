"""Ensembles: several models of a search, weighed by their predictions of rows that none of them was trained on."""
