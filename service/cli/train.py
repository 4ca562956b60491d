"""`assay train`."""
