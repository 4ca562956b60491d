"""Corpora as one index, splits that do not leak, and laundering: what the world does to media."""
