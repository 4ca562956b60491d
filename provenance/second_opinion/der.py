"""A small reader of DER (X.690), for time stamps: bounded in depth by its users, and in length by its own bytes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

SEQUENCE: Final = 0x30
SET: Final = 0x31
INTEGER: Final = 0x02
OCTETS: Final = 0x04
OID: Final = 0x06
TIME: Final = 0x18
_VALUES_MOST: Final = 1024


class DerError(ValueError):
    """The bytes are not the DER that was expected."""


@dataclass(frozen=True, slots=True)
class Value:
    """One value: its tag, its contents, and all of its bytes, tag and length included."""

    tag: int
    body: bytes
    whole: bytes

    def inside(self, tag: int) -> tuple[Value, ...]:
        """Return the values inside, if this value has the expected tag. Raises `DerError`."""
        self.expect(tag)
        return tuple(values(self.body))

    def expect(self, tag: int) -> bytes:
        """Return the contents. Raises `DerError` if this value has another tag."""
        if self.tag != tag:
            msg = f"expected a value of tag {tag:#x}, got {self.tag:#x}"
            raise DerError(msg)
        return self.body

    def oid(self) -> str:
        """Return the object identifier in dotted form. Raises `DerError`."""
        numbers, number = [], 0
        for byte in self.expect(OID)[:64]:
            number = number << 7 | byte & 0x7F
            if byte < 0x80:
                numbers.append(number)
                number = 0
        if not numbers:
            msg = "expected an object identifier, got nothing"
            raise DerError(msg)
        first = min(numbers[0] // 40, 2)
        return ".".join(map(str, (first, numbers[0] - 40 * first, *numbers[1:])))

    def time(self) -> dt.datetime:
        """Return a GeneralizedTime in UTC. Raises `DerError`."""
        text = self.expect(TIME).decode("ascii", "replace").removesuffix("Z").partition(".")[0]
        try:
            return dt.datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=dt.UTC)
        except ValueError as error:
            msg = "expected a time in UTC"
            raise DerError(msg) from error


def values(data: bytes) -> Iterator[Value]:
    """Yield the values that lie side by side in `data`. Raises `DerError`."""
    at = 0
    for _ in range(_VALUES_MOST):
        if at == len(data):
            return
        start = at
        if len(data) - at < 2 or data[at] & 31 == 31:
            msg = "a value is cut short, or has a long tag"
            raise DerError(msg)
        tag, length = data[at], data[at + 1]
        at += 2
        if length >= 0x80:
            count = length & 0x7F
            if not 0 < count <= 4 or len(data) - at < count:
                msg = "a length is not definite, or too long"
                raise DerError(msg)
            length = int.from_bytes(data[at : at + count], "big")
            at += count
        if length > len(data) - at:
            msg = "a length points behind the end"
            raise DerError(msg)
        at += length
        yield Value(tag, data[at - length : at], data[start:at])
    msg = f"expected at most {_VALUES_MOST} values side by side"
    raise DerError(msg)


def value(data: bytes) -> Value:
    """Return the first value in `data`; what is behind it is ignored. Raises `DerError`."""
    found = next(values(data), None)
    if found is None:
        msg = "expected a value, got nothing"
        raise DerError(msg)
    return found
