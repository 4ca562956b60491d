"""Write what `--help` prints into the README's help blocks: run by `make readme`, held by tests/test_repo.py."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

README = Path(__file__).resolve().parents[1] / "README.md"
BLOCK = re.compile(r"^```\n\$ assay ([^\n]*--help)\n.*?^```$", re.MULTILINE | re.DOTALL)


def printed(arguments: str) -> str:
    """Return what `assay ARGUMENTS` prints on a terminal 100 columns wide."""
    program = Path(sys.executable).with_name("assay")
    environment = {**os.environ, "COLUMNS": "100", "NO_COLOR": "1", "TERM": "dumb"}
    command = [str(program), *arguments.split()]
    return subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout  # noqa: S603


if __name__ == "__main__":
    text = README.read_text(encoding="utf-8")
    text = BLOCK.sub(lambda block: f"```\n$ assay {block[1]}\n{printed(block[1])}```", text)
    README.write_text(text, encoding="utf-8")
