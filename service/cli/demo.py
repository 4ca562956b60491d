"""`assay demo`."""
