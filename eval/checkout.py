"""Which commit the code was at: every published number says so."""

from __future__ import annotations

import subprocess
from pathlib import Path


def commit() -> str:
    """Return the commit that the code was at, or `unknown` where it does not lie in a checkout."""
    root = Path(__file__).resolve().parents[1]
    git = ("git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=12")
    try:
        done = subprocess.run(git, capture_output=True, text=True, check=True, timeout=10)  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return done.stdout.strip()
