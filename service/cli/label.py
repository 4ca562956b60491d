"""`assay label`."""
