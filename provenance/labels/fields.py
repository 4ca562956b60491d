"""What a metadata label says: the IPTC source type, the seven GB 45438 values, and who made it with what."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from .interface import Label, LabelError
from .shown import Shown

Says = Literal["synthetic", "suspected", "captured", "other"]

IPTC_BASE = "http://cv.iptc.org/newscodes/digitalsourcetype/"
C2PA_BASE = "http://c2pa.org/digitalsourcetype/"
SOURCE_TYPES: dict[str, Says] = {
    IPTC_BASE + "trainedAlgorithmicMedia": "synthetic",
    IPTC_BASE + "compositeWithTrainedAlgorithmicMedia": "synthetic",
    IPTC_BASE + "compositeSynthetic": "synthetic",
    IPTC_BASE + "algorithmicMedia": "synthetic",
    C2PA_BASE + "trainedAlgorithmicData": "synthetic",
    IPTC_BASE + "digitalCapture": "captured",
    IPTC_BASE + "computationalCapture": "captured",
    IPTC_BASE + "compositeCapture": "captured",
    IPTC_BASE + "negativeFilm": "captured",
    IPTC_BASE + "positiveFilm": "captured",
    IPTC_BASE + "print": "captured",
    IPTC_BASE + "algorithmicallyEnhanced": "other",
    IPTC_BASE + "dataDrivenMedia": "other",
    IPTC_BASE + "composite": "other",
    IPTC_BASE + "humanEdits": "other",
    IPTC_BASE + "digitalCreation": "other",
    IPTC_BASE + "screenCapture": "other",
    IPTC_BASE + "virtualRecording": "other",
    C2PA_BASE + "empty": "other",
}
"""IPTC NewsCodes "Digital Source Type" plus the two that C2PA adds, and what each claims."""

AIGC_KEYS = (
    "Label",
    "ContentProducer",
    "ProduceID",
    "ReservedCode1",
    "ContentPropagator",
    "PropagateID",
    "ReservedCode2",
)
_AIGC_VALUE = re.compile(r"[!#-\[\]-~]*")  # printable ASCII without space, quotation mark and backslash
_TEXT_LIMIT = 4096  # characters of a stranger's value that are kept
_LABEL_LIMIT = 64  # labels kept of one file

KEYS = (
    "DigitalSourceType",
    "AIGC",
    "AIProvider",
    "AISystem",
    "AISystemVersion",
    "AIMade",
    "AIContentID",
    "AIVisibleLabel",
)
"""Names under which flat carriers (ID3 TXXX, Vorbis comments, MP4 and Matroska tags) hold a disclosure."""
_BY_LOWER = {key.lower(): key for key in KEYS} | {"digitalsourcefiletype": "DigitalSourceType"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Aigc:
    """The implicit label of GB 45438-2025: `label` is "1" (is generated), "2" (may be) or "3" (suspected).

    The first writer is producer and propagator at once, so the propagator's two values default to the producer's.
    """

    label: Literal["1", "2", "3"]
    content_producer: str
    produce_id: str
    reserved_1: str = ""
    content_propagator: str = ""
    propagate_id: str = ""
    reserved_2: str = ""

    def __post_init__(self) -> None:
        """Raise `LabelError` if a value breaks the standard's rules on characters or a required one is empty."""
        if self.label not in ("1", "2", "3"):
            msg = f"the AIGC label must be '1', '2' or '3', got {self.label!r}"
            raise LabelError(msg)
        if not (self.content_producer and self.produce_id):
            msg = "the AIGC label needs a ContentProducer and a ProduceID, got an empty one"
            raise LabelError(msg)
        for key, value in zip(AIGC_KEYS, self.values(), strict=True):
            if not is_aigc_value(value):
                msg = f"AIGC {key} takes printable ASCII without space, quotation mark and backslash, got {value!r}"
                raise LabelError(msg)

    def values(self) -> tuple[str, ...]:
        """Return the seven values in the order of `AIGC_KEYS`."""
        return (
            self.label,
            self.content_producer,
            self.produce_id,
            self.reserved_1,
            self.content_propagator or self.content_producer,
            self.propagate_id or self.produce_id,
            self.reserved_2,
        )

    def to_json(self) -> str:
        """Return the JSON text that stands in the file, without spaces, all seven keys."""
        return json.dumps(dict(zip(AIGC_KEYS, self.values(), strict=True)), separators=(",", ":"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Disclosure:
    """What is written into a file: IPTC `source_type` (full address), GB 45438 `aigc`, and SB 942's latent disclosure.

    `provider`, `system`, `system_version`, `made` (with time zone) and `content_id` are what California asks for; empty
    ones are not written. `shown` tells where the picture's visible label stands, for checks to measure it.
    """

    source_type: str
    aigc: Aigc | None = None
    provider: str = ""
    system: str = ""
    system_version: str = ""
    made: datetime | None = None
    content_id: str = ""
    shown: Shown | None = None

    def __post_init__(self) -> None:
        """Raise `LabelError` for a source type out of the vocabulary, a time without zone or a control character."""
        if self.source_type not in SOURCE_TYPES:
            msg = f"the source type must be an address of the IPTC vocabulary {IPTC_BASE}..., got {self.source_type!r}"
            raise LabelError(msg)
        if self.made is not None and self.made.tzinfo is None:
            msg = "the time of making needs a time zone, got a naive time"
            raise LabelError(msg)
        for text in (self.provider, self.system, self.system_version, self.content_id):
            if not text.isprintable() or len(text) > _TEXT_LIMIT:
                msg = f"a disclosure's texts must be printable and at most {_TEXT_LIMIT} characters, got {text[:80]!r}"
                raise LabelError(msg)

    def values(self) -> dict[str, str]:
        """Return key -> value for what is to be written, keys out of `KEYS`."""
        made = "" if self.made is None else self.made.astimezone(UTC).isoformat(timespec="seconds")
        texts = (
            self.source_type,
            "" if self.aigc is None else self.aigc.to_json(),
            self.provider,
            self.system,
            self.system_version,
            made,
            self.content_id,
            "" if self.shown is None else self.shown.to_json(),
        )
        return {key: text for key, text in zip(KEYS, texts, strict=True) if text}


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One value read from a file: `carrier` says where (`xmp`, `id3`, ...), `key` is out of `KEYS`."""

    carrier: str
    key: str
    value: str


def found(carrier: str, name: str, value: str) -> Found | None:
    """Return what `name` = `value` says in a carrier of plain pairs, `None` if it is not a disclosure.

    Some writers put the AIGC object into a comment or description, whatever its name: it is taken there too.
    """
    key = _BY_LOWER.get(name.strip().lower())
    if key is None and value.lstrip().startswith("{") and '"AIGC"' in value:
        key = "AIGC"
    return None if key is None else Found(carrier=carrier, key=key, value=value.strip("\0 \r\n\t")[:_TEXT_LIMIT])


def is_aigc_value(text: str) -> bool:
    """Return whether GB 45438 allows `text` as a value: printable ASCII without space, quotation mark and backslash."""
    return _AIGC_VALUE.fullmatch(text) is not None


def parse_aigc(text: str) -> dict[str, str] | None:
    """Return the AIGC values that are strings or numbers, `None` if `text` is not a JSON object that holds any."""
    try:
        value: Any = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if isinstance(value, dict) and isinstance(value.get("AIGC"), dict):
        value = value["AIGC"]
    if not isinstance(value, dict):
        return None
    kept = {key: str(value[key]) for key in AIGC_KEYS if isinstance(value.get(key), str | int)}
    return kept or None


def to_labels(things: Iterable[Found]) -> tuple[Label, ...]:
    """Return the labels that `things` amount to; the same claim in several carriers is one label naming them all."""
    carriers: dict[tuple[str, Says, tuple[tuple[str, str], ...]], list[str]] = {}
    by_carrier: dict[str, dict[str, str]] = {}
    for thing in things:
        by_carrier.setdefault(thing.carrier, {}).setdefault(thing.key, thing.value)
    for carrier, values in by_carrier.items():
        for rule, says, fields in _claims(values):
            carriers.setdefault((rule, says, tuple(fields.items())), []).append(carrier)
    labels = [
        Label(rule=rule, form="metadata", says=says, fields={**dict(fields), "carrier": ", ".join(names)})
        for (rule, says, fields), names in carriers.items()
    ]
    return tuple(labels[:_LABEL_LIMIT])


def _claims(values: dict[str, str]) -> list[tuple[str, Says, dict[str, str]]]:
    claims: list[tuple[str, Says, dict[str, str]]] = []
    source = values.get("DigitalSourceType")
    says: Says = "other"
    if source is not None:
        says = SOURCE_TYPES.get(source.replace("https://", "http://", 1), "other")
        claims.append(("iptc", says, {"DigitalSourceType": source}))
    if "AIGC" in values:
        aigc = parse_aigc(values["AIGC"])
        meaning: dict[str, Says] = {"1": "synthetic", "2": "suspected", "3": "suspected"}
        if aigc is None:
            claims.append(("gb45438", "other", {"AIGC": values["AIGC"]}))
        else:
            claims.append(("gb45438", meaning.get(aigc.get("Label", ""), "other"), aigc))
    latent = {key: values[key] for key in KEYS[2:7] if key in values}
    if latent:
        claims.append(("sb942", "other" if says == "captured" else "synthetic", latent))
    return claims
