"""What a reader of other makers' marks must do; one file each, the catalogue is in the folder's `__init__`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from ...media.view import View

KEYLESS = "without a key anybody can write it"
"""What holds of all these schemes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignMark:
    """A mark of somebody else's that was found.

    `reader` is the name in our catalogue, `scheme` the maker's own, `payload` what it says as the maker writes it
    (`None` for a mark that only tells presence). `false_alarms` says in words how often unmarked media gives this
    answer, as far as that is known; these schemes have no key, so anybody may have put the mark there.
    """

    reader: str
    scheme: str
    payload: str | None
    false_alarms: str

    @property
    def sentence(self) -> str:
        """What a reader is told."""
        return f"carries a {self.scheme} mark, {'present' if self.payload is None else f'id {self.payload}'}"

    def to_json(self) -> dict[str, Any]:
        """Return the fields as plain JSON values."""
        return {
            "reader": self.reader,
            "scheme": self.scheme,
            "payload": self.payload,
            "false_alarms": self.false_alarms,
        }


class ForeignReader(Protocol):
    """Reads one maker's marks."""

    name: str

    def read(self, view: View) -> tuple[ForeignMark, ...]:
        """Return the marks in `view`; none for media of a kind that the scheme does not mark.

        Raises `MissingExtra` if its package is not installed, `WeightsError` if its model is not here.
        """
        ...
