"""How corpora are laid out on disk: one file a family, the catalogue here. An adapter reads, it never moves a byte."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from types import MappingProxyType

from ..corpus import ChoiceError, CorpusError
from .interface import Description, Layout, Published

__all__ = ["LAYOUTS", "Description", "Layout", "Published", "choose", "layout", "nearest"]

LAYOUTS: Mapping[str, str] = MappingProxyType(
    {
        "index": "assay.datasets.layouts.index:IndexLayout",
        "faces": "assay.datasets.layouts.collected:FacesLayout",
        "speech": "assay.datasets.layouts.collected:SpeechLayout",
        "faceforensics": "assay.datasets.layouts.faceforensics:FaceForensics",
        "deepfakedetection": "assay.datasets.layouts.faceforensics:DeepFakeDetection",
        "faceshifter": "assay.datasets.layouts.faceforensics:FaceShifter",
        "celeb-df-v1": "assay.datasets.layouts.celebdf:CelebDFv1",
        "celeb-df-v2": "assay.datasets.layouts.celebdf:CelebDFv2",
        "dfdc": "assay.datasets.layouts.dfdc:DFDC",
        "dfdc-preview": "assay.datasets.layouts.dfdc:DFDCPreview",
        "deeperforensics": "assay.datasets.layouts.deeperforensics:DeeperForensics",
        "uadfv": "assay.datasets.layouts.frames:UADFV",
        "wilddeepfake": "assay.datasets.layouts.frames:WildDeepfake",
        "df40": "assay.datasets.layouts.df40:DF40",
        "fakeavceleb": "assay.datasets.layouts.audiovisual:FakeAVCeleb",
        "lav-df": "assay.datasets.layouts.audiovisual:LAVDF",
        "av-deepfake1m": "assay.datasets.layouts.audiovisual:AVDeepfake1M",
        "asvspoof2019-la": "assay.datasets.layouts.asvspoof:LA2019",
        "asvspoof2019-pa": "assay.datasets.layouts.asvspoof:PA2019",
        "asvspoof2021-la": "assay.datasets.layouts.asvspoof:LA2021",
        "asvspoof2021-df": "assay.datasets.layouts.asvspoof:DF2021",
        "asvspoof5": "assay.datasets.layouts.asvspoof:ASVspoof5",
        "wavefake": "assay.datasets.layouts.voices:WaveFake",
        "in-the-wild": "assay.datasets.layouts.voices:InTheWild",
        "partialspoof": "assay.datasets.layouts.partial:PartialSpoof",
        "add": "assay.datasets.layouts.partial:ADD",
        "librispeech": "assay.datasets.layouts.readspeech:LibriSpeech",
        "vctk": "assay.datasets.layouts.readspeech:VCTK",
        "common-voice": "assay.datasets.layouts.readspeech:CommonVoice",
        "folder": "assay.datasets.layouts.folder:FolderLayout",
    }
)
"""Name -> "module:Class", tried in this order by `choose`: the plain folder fits much, so it comes last."""


def layout(name: str) -> Layout:
    """Return the adapter called `name`. Raises `CorpusError` if there is none."""
    if name not in LAYOUTS:
        msg = f"expected a corpus layout out of {', '.join(LAYOUTS)}, got {name!r}"
        raise ChoiceError(msg)
    module, _, kind = LAYOUTS[name].partition(":")
    adapter: Layout = getattr(import_module(module), kind)()
    return adapter


def choose(path: Path, *, name: str | None = None) -> Layout:
    """Return the adapter called `name`, or the first that fits the corpus at `path`.

    Raises `CorpusError` if none fits, with what was expected, what was found and the nearest layout.
    """
    if not path.exists():
        msg = f"expected a corpus at {path}, found nothing there"
        raise ChoiceError(msg)
    if name is not None:
        adapter = layout(name)
        if adapter.fits(path):
            return adapter
        wanted = adapter.description
        msg = (
            f"expected {wanted.title} ({name}) at {path}: {_needed(wanted)}; {_found(path)}. {_hint(path, but=name)}"
            f"A corpus of this layout has: {'; '.join(wanted.tree)}"
        )
        raise CorpusError(msg)
    for known in LAYOUTS:
        adapter = layout(known)
        if adapter.fits(path):
            return adapter
    msg = (
        f"expected a corpus in a known layout at {path}; {_found(path)}. {_hint(path)}"
        f"`assay data list` describes the layouts ({', '.join(LAYOUTS)}); any media can be given as a folder with the "
        f"sub-folders real and fake, or as a CSV with the columns path and label"
    )
    raise CorpusError(msg.strip())


def nearest(path: Path, *, but: str = "") -> tuple[str, tuple[str, ...]] | None:
    """Return the layout (but not `but`) with the greatest share of its signs at `path`, and the signs that lack."""
    best: tuple[float, str, tuple[str, ...]] | None = None
    for name in LAYOUTS:
        about = layout(name).description
        seen = about.seen(path) if name != but else ()
        if seen and (best is None or len(seen) / len(about.signs) > best[0]):
            best = len(seen) / len(about.signs), name, tuple(sign for sign in about.signs if sign not in seen)
    return None if best is None else best[1:]


def _hint(path: Path, *, but: str = "") -> str:
    """Say which layout this looks like, here or one folder up or down."""
    near = nearest(path, but=but)
    if near is not None:
        name, lacking = near
        title = layout(name).description.title
        lacks = f", but {' and '.join(map(_words, lacking))} is missing" if lacking else ""
        return f"this looks like {title}{lacks}; did you mean the layout {name}? "
    places = [path.parent, *sorted(child for child in _children(path) if child.is_dir())[:64]]
    for place in places:
        known = (name for name in LAYOUTS if place != path.parent or layout(name).description.signs)
        fitting = next((name for name in known if layout(name).fits(place)), None)
        if fitting is not None:
            return f"{layout(fitting).description.title} ({fitting}) lies at {place}; did you mean that folder? "
    return ""


def _children(path: Path) -> list[Path]:
    try:
        return list(path.iterdir()) if path.is_dir() else []
    except OSError:
        return []


def _needed(about: Description) -> str:
    return ", ".join(map(_words, about.signs)) if about.signs else about.tree[0]


def _words(sign: str) -> str:
    """Name what a sign looks for: of many ways to write it the first three."""
    return " or ".join(sign.split("|")[:3])


def _found(path: Path) -> str:
    if path.is_dir():
        names = sorted(child.name + ("/" if child.is_dir() else "") for child in _children(path))
        more = f" and {len(names) - 12} more" if len(names) > 12 else ""
        return f"found {', '.join(names[:12]) or 'an empty folder'}{more}"
    return f"found the file {path.name}"
