"""How much memory and time `assay mark` takes of sounds of 1, 10 and 60 minutes: memory must not grow with the length.

Real speech of many people, one file behind the other and over again, as a wav of 16 kHz mono and of 48 kHz stereo (the
second channel half a second later and softer); the copy is a wav too, and of the longest m4a, mp3 and flac. Peaks of
memory are those that the kernel counted for the process and for its decoding process. `finish` is what publishing does
in memory: notice, mark, encoding, labels; its peak is told beyond the sound itself, which lies in memory already.
Cases that OUT has are not measured again.
Run: python -P benchmarks/mark_long.py --media MEDIA/speech --out out/bench/mark_long.json
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
from assay.eval.result import commit
from assay.media.asset import Asset
from assay.media.audio import Audio, resample
from assay.media.decode import decode_audio
from assay.media.encode import write_audio
from assay.media.errors import AssayError
from scan_long import Watch

ID = "00000000deadbeef"
BLOCK = 10
KINDS = {"16 kHz mono": (16_000, 1), "48 kHz stereo": (48_000, 2)}
CASES = [
    *((kind, minutes, "wav") for kind in KINDS for minutes in (1, 10, 60)),
    *(("48 kHz stereo", 60, container) for container in ("m4a", "mp3", "flac")),
]
PUBLISHED = (1, 10, 60)


def speech(media: Path, seconds: float) -> np.ndarray:
    """Return `seconds` of real speech at 16 kHz, mono: the files of `media`/real in order, repeated if need be."""
    parts: list[np.ndarray] = []
    for path in sorted((media / "real").rglob("*")):
        try:
            one = decode_audio(Asset.open(path)) if path.is_file() else None
        except AssayError:
            continue
        if one is not None:
            parts.append(resample(one.mono(), one.rate, 16_000))
        if sum(map(len, parts)) >= seconds * 16_000:
            break
    return np.resize(np.concatenate(parts), round(seconds * 16_000))


def blocks(once: np.ndarray, kind: str, minutes: int) -> Iterator[Audio]:
    """Yield `minutes` of `once`, repeated, as `kind` has it."""
    rate, channels = KINDS[kind]
    whole = resample(once, 16_000, rate)
    both = np.stack([whole, 0.7 * np.roll(whole, rate // 2)])[:channels].astype(np.float32)
    size = BLOCK * rate
    for start in range(0, minutes * 60 * rate, size):
        places = np.arange(start, start + size) % both.shape[1]
        yield Audio(samples=np.ascontiguousarray(both[:, places]), rate=rate)


def marked(source: Path, out: Path, key: Path) -> dict[str, Any]:
    """Return seconds, CPU seconds and peaks of memory of `assay mark` in a fresh process."""
    begun, before = time.perf_counter(), os.times()
    program = [str(Path(sys.executable).with_name("assay")), "mark", str(source), str(out), "--key", str(key)]
    with subprocess.Popen([*program, "--id", ID], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        watch = Watch(process.pid)
        watch.start()
        said, told = process.communicate()
    if said.decode().strip() != ID:
        raise SystemExit(f"{source.name} was not marked: {told.decode().strip()[-300:]}")
    after = os.times()
    own = watch.peaks.pop(process.pid, 0.0)
    return {
        "wall_s": round(time.perf_counter() - begun, 1),
        "cpu_s": round(after.children_user + after.children_system - before.children_user - before.children_system, 1),
        "main_peak_mib": round(own),
        "decoder_peak_mib": round(max(watch.peaks.values(), default=0.0)),
        "together_peak_mib": round(watch.together),
        "copy_mib": round(out.stat().st_size / 2**20, 1),
    }


def published(media: Path, minutes: int) -> dict[str, Any]:
    """Return what `finish` takes of `minutes` of speech at 24 kHz, beyond the sound itself. Runs in a process alone."""
    from datetime import UTC, datetime

    from assay.generate import finish
    from assay.generate.interface import Draft, Scope
    from assay.provenance.marks import SHARED_KEY

    once = resample(speech(media, 60), 16_000, 24_000)
    audio = Audio(samples=np.resize(once, (1, minutes * 60 * 24_000)), rate=24_000)
    stamp = finish.Stamp(container="wav", payload=5, key=SHARED_KEY, made=datetime.now(UTC))
    settled = {"media": Audio(samples=audio.samples[:, : 24_000 * 5], rate=24_000), "scope": Scope.VOICE_CLONE}
    settled |= {"purpose": "t", "source_type": "algorithmicMedia", "engine": "e/1", "actions": ("c2pa.created",)}
    settled |= {"sources": (), "settings": {}}
    finish.finish(_draft(Draft, settled), stamp)
    before, begun = _peak(), time.process_time()
    data = finish.finish(_draft(Draft, settled | {"media": audio}), stamp)
    spent = time.process_time() - begun
    sizes = {"sound_mib": round(audio.samples.nbytes / 2**20), "file_mib": round(len(data) / 2**20)}
    return {"cpu_s": round(spent, 1), **sizes, "peak_beyond_mib": round(_peak() - before)}


def _draft(kind: type, values: dict[str, Any]) -> Any:  # noqa: ANN401 - made without a person: nothing is published
    draft = object.__new__(kind)
    for name, value in values.items():
        object.__setattr__(draft, name, value)
    return draft


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Measure what OUT does not have yet."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--media", type=Path, required=True)
    options.add_argument("--out", type=Path, required=True)
    options.add_argument("--published", type=int, help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.published:
        print(json.dumps(published(given.media, given.published)))
        return
    result = json.loads(given.out.read_text()) if given.out.exists() else {"cases": {}}
    result["machine"] = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    for name, work in _work(given.media):
        if name not in result["cases"]:
            result["cases"][name] = {**work(), "load": round(os.getloadavg()[0], 1), "commit": commit()}
            given.out.parent.mkdir(parents=True, exist_ok=True)
            given.out.write_text(json.dumps(result, indent=1), encoding="utf-8")
            print(name, result["cases"][name], flush=True)


def _work(media: Path) -> Iterator[tuple[str, Any]]:
    once = speech(media, 300)

    def mark(kind: str, minutes: int, container: str) -> dict[str, Any]:
        with tempfile.TemporaryDirectory() as folder:
            source, key = Path(folder) / "source.wav", Path(folder) / "key"
            with source.open("xb") as file:
                write_audio(blocks(once, kind, minutes), file, "wav")
            key.write_text("5a" * 32)
            key.chmod(0o600)
            return marked(source, Path(folder) / f"copy.{container}", key)

    def finished(minutes: int) -> dict[str, Any]:
        command = [sys.executable, "-P", __file__, "--media", str(media), "--out", "-", "--published", str(minutes)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return dict(json.loads(done.stdout))

    for case in CASES:
        yield f"{case[0]}, {case[1]} min, {case[2]}", lambda case=case: mark(*case)
    for minutes in PUBLISHED:
        yield f"finish, {minutes} min of 24 kHz, wav", lambda minutes=minutes: finished(minutes)


if __name__ == "__main__":
    main()
