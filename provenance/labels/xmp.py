"""XMP packets (ISO 16684-1): read disclosures out of one, merge a disclosure into one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from .fields import Disclosure, Found, found
from .interface import LabelError

if TYPE_CHECKING:
    from xml.dom.minidom import Document, Element

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
IPTC_EXT = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
TC260 = "http://www.tc260.org.cn/ns/AIGC/1.0/"
OWN = "urn:assay:disclosure:1#"
PROPERTIES: dict[str, tuple[str, str, str]] = {
    "DigitalSourceType": (IPTC_EXT, "Iptc4xmpExt", "DigitalSourceType"),
    "AIGC": (TC260, "TC260", "AIGC"),
    "AISystem": (IPTC_EXT, "Iptc4xmpExt", "AISystemUsed"),
    "AISystemVersion": (IPTC_EXT, "Iptc4xmpExt", "AISystemVersionUsed"),
    "AIProvider": (OWN, "assay", "Provider"),
    "AIMade": (OWN, "assay", "Made"),
    "AIContentID": (OWN, "assay", "ContentID"),
    "AIVisibleLabel": (OWN, "assay", "VisibleLabel"),
}
"""Key of a disclosure -> namespace, usual prefix and name of its XMP property."""

_NAMES = {f"{{{space}}}{name}": key for key, (space, _, name) in PROPERTIES.items()}
_NAMES[f"{{{IPTC_EXT}}}DigitalSourcefileType"] = "DigitalSourceType"  # the name before IPTC Extension 1.1
_XMLNS = "http://www.w3.org/2000/xmlns/"
_HEAD = '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
_TAIL = '<?xpacket end="w"?>'
_EMPTY = f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="{RDF}"></rdf:RDF></x:xmpmeta>'
_WRAPPER = re.compile(r"<\?xpacket[^>]*\?>")
_DEPTH = 64  # nested elements; real packets stay below 20, and the writer of the standard library recurses
_HITS = 32  # properties of ours that are read from one packet


def read_packet(packet: bytes, *, carrier: str = "xmp") -> Iterator[Found]:
    """Yield the disclosures in `packet`; nothing if it is not well-formed XML without a document type."""
    from xml.etree.ElementTree import ParseError

    from defusedxml import ElementTree

    try:
        root = ElementTree.fromstring(_bare(packet), forbid_dtd=True)
    except (ParseError, ValueError):
        return
    hits = 0
    for element in root.iter():
        values = [(name, value) for name, value in element.attrib.items() if name in _NAMES]
        if element.tag in _NAMES:
            values.append((element.tag, element.get(f"{{{RDF}}}resource") or "".join(element.itertext())))
        for name, value in values:
            thing = found(carrier, _NAMES[name], value)
            hits += 1
            if thing is not None and thing.value:
                yield thing
        if hits >= _HITS:
            return


def merge_packet(packet: bytes | None, fields: Disclosure) -> bytes:
    """Return `packet` (or a new one) with `fields` in place of older values of the same properties; the rest stays.

    Raises `LabelError` if `packet` is not XMP that can be read: dropping somebody's metadata in silence is worse.
    """
    document = _parse(_EMPTY if packet is None else _bare(packet))
    homes = document.getElementsByTagNameNS(RDF, "RDF")
    if not homes:
        msg = "expected an rdf:RDF element in the file's XMP metadata, found none: remove or repair that metadata first"
        raise LabelError(msg)
    values = fields.values()
    for description in document.getElementsByTagNameNS(RDF, "Description"):
        _forget(description, values)
    homes[0].appendChild(_description(document, values))
    root = document.documentElement
    text = "" if root is None else root.toxml()
    return (_HEAD + text + _TAIL).encode()


def _bare(packet: bytes) -> str:
    return _WRAPPER.sub("", packet.decode("utf-8", errors="replace")).strip("\ufeff\0 \r\n\t")


def _parse(text: str) -> Document:
    from xml.parsers.expat import ExpatError

    from defusedxml import minidom

    try:
        document: Document = minidom.parseString(text, forbid_dtd=True)
    except (ExpatError, ValueError) as error:
        msg = f"the file's XMP metadata cannot be read ({error}): remove or repair it first"
        raise LabelError(msg) from error
    layer: list[Any] = list(document.childNodes)
    for _ in range(_DEPTH):
        layer = [child for node in layer for child in node.childNodes]
    if layer:
        msg = f"the file's XMP metadata nests more than {_DEPTH} elements: remove or repair it first"
        raise LabelError(msg)
    return document


def _forget(description: Element, values: dict[str, str]) -> None:
    for key in values:
        space, _, name = PROPERTIES[key]
        if description.hasAttributeNS(space, name):
            description.removeAttributeNS(space, name)
        for child in list(description.childNodes):
            if child.namespaceURI == space and child.localName == name:
                description.removeChild(child)
    left = [pair for pair in description.attributes.keysNS() if pair != (RDF, "about") and pair[0] != _XMLNS]
    if description.parentNode is not None and not description.childNodes and not left:
        description.parentNode.removeChild(description)  # it held nothing but what is written anew


def _description(document: Document, values: dict[str, str]) -> Element:
    description = document.createElement("rdf:Description")
    description.setAttribute("xmlns:rdf", RDF)
    description.setAttribute("rdf:about", "")
    for key, value in values.items():
        space, prefix, name = PROPERTIES[key]
        description.setAttribute(f"xmlns:{prefix}", space)
        element = document.createElement(f"{prefix}:{name}")
        element.appendChild(document.createTextNode(value))
        description.appendChild(element)
    return description
