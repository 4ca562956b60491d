"""Physical and forensic cues: one file each, explainable, measured one by one, run on request."""
