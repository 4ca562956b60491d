"""`assay generate`."""
