"""Nothing in `generate` but `publish`, and the book of consents for its own receipts, opens a file for writing.

Shown twice: by reading the source of every module, and by calling every public function under an audit hook.
"""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import assay.generate
import pytest

ROOT = Path(assay.generate.__file__).parent
_NAMES = """
copy2 copyfile copyfileobj copymode copytree dump fdopen hardlink_to imsave imwrite makedirs memmap mkdir mkdtemp mkfifo
mknod mkstemp rename renames save savez savez_compressed savetxt symlink symlink_to tofile touch write write_bytes
write_text writelines NamedTemporaryFile SpooledTemporaryFile TemporaryDirectory TemporaryFile VideoWriter Popen system
check_call check_output exec eval __import__
"""
WRITERS = frozenset(_NAMES.split())
"""Names of calls that can write a file, or run something that does."""
MODULES = {"os", "shutil", "subprocess"}
AMBIGUOUS = {"copy", "link", "move", "run"}
"""The same, but only as functions of `MODULES`: arrays copy themselves too."""
ALLOWED = {
    "consent.py": {"write"},  # by way of the keeper
    "keeper.py": {"fdopen", "mkdir", "mkstemp", "open", "write"},
    "place.py": {"hardlink_to", "mkdtemp", "open", "rename"},
    "publish.py": {"write_bytes"},
}


def _writing_calls(source: str) -> set[str]:
    """Return the names of the calls in `source` that can write a file."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        texts = [
            value.value
            for value in (*node.args, *(keyword.value for keyword in node.keywords))
            if isinstance(value, ast.Constant) and isinstance(value.value, str)
        ]
        owner = getattr(getattr(node.func, "value", None), "id", "")
        modes = any(re.fullmatch(r"[rbtU]*[wax+][wbtax+]*", text) for text in texts)
        doubtful = name in AMBIGUOUS and (owner in MODULES or isinstance(node.func, ast.Name))
        if name in WRITERS or doubtful or (name == "open" and (owner == "os" or modes)):
            found.add(name)
    return found


def test_only_publish_opens_a_file_for_writing() -> None:
    modules = sorted(ROOT.rglob("*.py"))
    assert len(modules) > 10
    found = {str(path.relative_to(ROOT)): _writing_calls(path.read_text(encoding="utf-8")) for path in modules}
    assert {name: calls for name, calls in found.items() if calls} == ALLOWED


@pytest.mark.parametrize(
    "line",
    [
        "Path('x').open('wb')",
        "open('x', mode='r+')",
        "av.open('x', 'w')",
        "os.open('x', os.O_RDONLY)",
        "cv2.imwrite('x', y)",
        "np.save('x', y)",
        "image.save('x')",
        "Path('x').write_text('y')",
        "subprocess.run(['cp'])",
        "shutil.copy(y, z)",
        "link(y, z)",
    ],
)
def test_the_search_finds_what_writes(line: str) -> None:
    assert _writing_calls(line)
    assert not _writing_calls("Path('x').open('rb'); open('in'); Asset.open(path); x.replace('w', 'a'); y.copy()")


def test_no_public_function_but_publish_writes_when_it_is_called(tmp_path: Path) -> None:
    program = str(Path(__file__).with_name("audited.py"))
    environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}
    words = [sys.executable, "-P", program, str(tmp_path)]
    done = subprocess.run(words, capture_output=True, check=False, env=environment, text=True)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["called"] == told["public"]
    places: dict[str, set[Path]] = {}
    for name, _, path in told["events"]:
        places.setdefault(name, set()).add(Path(path))
    base = tmp_path / "second"
    assert set(places) == {"ConsentBook.grant", "ConsentBook.revoke", "publish"}
    for name in ("ConsentBook.grant", "ConsentBook.revoke"):
        assert all(path == base / "book" or path.parent == base / "book" for path in places[name])
    for path in places["publish"]:
        assert path.is_relative_to(base / "out") or path.is_relative_to(tmp_path / "keep")
    assert set((base / "out").iterdir()) <= places["publish"]
