"""Assay tells whether a picture, a voice or a film can be believed, and why."""

__version__ = "0.1.0"
