"""The user's own folder: keys, receipts, store and pulled weights live below it."""

from __future__ import annotations

import os
from pathlib import Path


def home() -> Path:
    """Return the folder that holds what Assay keeps for this user; `ASSAY_HOME` overrides it. Nothing is created."""
    override = os.environ.get("ASSAY_HOME")
    if override:
        return Path(override)
    import platformdirs

    return Path(platformdirs.user_data_dir("assay"))
