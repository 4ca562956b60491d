"""`assay bench`."""
