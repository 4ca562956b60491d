"""`assay serve`."""
