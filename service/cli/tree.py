"""The provenance tree as lines for a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from .options import escaped

if TYPE_CHECKING:
    from ...provenance.tree import Deed, Node

_SIGN = {"trusted": "+", "recovered": "+", "untrusted": "?", "invalid": "x", "absent": "-"}
NO_MANIFEST = "no manifest of its own"


def tree_lines(node: Node) -> list[str]:
    """Return the tree: a line for each node with its state, below it who signed it, when, with what, and its actions.

    `+` trusted, `?` signed by somebody unknown, `x` broken, `-` without a manifest.
    """
    return list(_lines(node, "", ""))


def _lines(node: Node, lead: str, follow: str) -> Iterator[str]:
    from ...provenance.tree import RELATIONS

    relation = f"{RELATIONS.get(node.relation, node.relation)}: " if node.relation else ""
    yield f"{lead}{_SIGN[node.state.value]} {escaped(relation)}{escaped(node.title) or '(no title)'}  [{_state(node)}]"
    gap = follow + ("│   " if node.parts or node.left_out else "    ")
    for line in _about(node):
        yield gap + line
    for part in node.parts:
        last = part is node.parts[-1]
        yield from _lines(part, follow + ("└─ " if last else "├─ "), follow + ("   " if last else "│  "))
    if node.left_out:
        yield f"{follow}└─ (deeper or repeated parts are not shown again)"


def _state(node: Node) -> str:
    if node.state.value == "absent":
        return NO_MANIFEST if not node.broken else "broken"
    known = ", as its owner recorded" if node.broken and node.recorded else ""
    return node.state.value + known


def _about(node: Node) -> Iterator[str]:
    if node.who or node.when:
        stamp = {True: " (time stamped)", False: " (as the signer says)", None: ""}[node.time_holds]
        when = f" at {escaped(node.when)}{stamp}" if node.when else ""
        yield f"signed by {escaped(node.who) or '(no name)'}{when}"
    if node.fingerprint:
        yield f"certificate SHA-256 {escaped(node.fingerprint)}"
    if node.tool:
        yield f"with {escaped(node.tool)}"
    for deed in node.deeds:
        yield f"· {deed_line(deed)}"
    if node.codes and node.broken:
        yield f"broken: {', '.join(map(escaped, node.codes))}"


def deed_line(deed: Deed) -> str:
    """Return an action as one line: what, from what kind of source, by which tool, when, why."""
    parts = (
        escaped(deed.name) or "(unnamed)",
        f" ({escaped(deed.source)})" if deed.source else "",
        f" with {escaped(deed.tool)}" if deed.tool else "",
        f" at {escaped(deed.when)}" if deed.when else "",
        f": {escaped(deed.note)}" if deed.note else "",
    )
    return "".join(parts)
