"""`assay mark`."""
