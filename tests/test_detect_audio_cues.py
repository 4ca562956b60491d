"""Cues in sound: what was planted is found where it is, the untouched has none, and what cannot be told is said."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from assay.datasets.launder import launder
from assay.detect import ON_REQUEST, detector, names
from assay.detect.audio.cues.beats import beat
from assay.detect.audio.cues.codec import CodecDetector, band_edge
from assay.detect.audio.cues.cue import Recording, recorded
from assay.detect.audio.cues.grids import grids
from assay.detect.audio.cues.hum import hum_of
from assay.detect.audio.cues.pauses import PausesDetector, constant_runs
from assay.detect.audio.cues.phase import BEAT, PhaseDetector, mirror, tones
from assay.detect.audio.cues.speaker import SpeakerDetector, scale
from assay.detect.audio.cues.splice import SpliceDetector, floor_changes
from assay.detect.audio.voices import embed, enrol
from assay.detect.cue import Measured, Untold
from assay.detect.finding import Evidence, Skipped
from assay.media.asset import Asset
from assay.media.audio import Audio, resample
from assay.media.decode import decode_audio
from assay.media.encode import encode_audio
from assay.media.errors import InputError
from assay.media.extent import Span
from assay.media.image import Still
from assay.media.view import View

CUES = ("audio-speaker", "audio-pauses", "audio-phase", "audio-splice", "audio-codec")


@pytest.fixture(scope="module")
def voices(shared: Path) -> list[Audio]:
    """Seven seconds each of three people reading."""
    whole = [decode_audio(Asset.open(shared / f"media/demo/voice-{n}.flac")) for n in (1, 2, 4)]
    return [Audio(samples=np.ascontiguousarray(one.samples[:, : 7 * one.rate]), rate=one.rate) for one in whole]


def told(
    cue: PausesDetector | PhaseDetector | SpliceDetector | CodecDetector | SpeakerDetector, audio: Audio
) -> Measured:
    answer = cue.ask(recorded(audio))
    assert isinstance(answer, Measured), answer
    assert all(np.isfinite(value) for value in answer.figures.values())
    assert all(0 <= span.start < span.end <= audio.seconds + 1e-6 for span in answer.spans)
    return answer


def joined(*parts: Audio) -> Audio:
    level = [part.samples * np.float32(0.05 / np.sqrt(np.mean(part.samples**2))) for part in parts]
    return Audio(samples=np.concatenate(level, axis=1), rate=parts[0].rate)


def test_two_voices_are_told_where_they_meet_and_one_voice_is_one(voices: list[Audio]) -> None:
    one = told(SpeakerDetector(), voices[0])
    assert "one voice throughout" in one.note
    assert not one.spans
    both = told(SpeakerDetector(), joined(voices[0], voices[1]))
    assert "two voices" in both.note
    assert min(abs((span.start + span.end) / 2 - 7.0) for span in both.spans) < 0.8
    assert both.figures["change"] < scale().change < one.figures["change"]


def test_an_enrolled_voice_is_told_from_a_stranger_and_moves_no_verdict(shared: Path) -> None:
    demo = shared / "media/demo"
    later = decode_audio(Asset.open(demo / "voice-1.flac"))
    rest = Audio(samples=np.ascontiguousarray(later.samples[:, 8 * later.rate :]), rate=later.rate)
    known = enrol([demo / "voice-1.flac"])
    evidence = Evidence(view=View.of(rest), verification=None, enrolled=known)
    (own,) = detector("audio-speaker").examine(evidence)  # type: ignore[misc]
    assert dict(own.figures)["same_speaker_llr"] > 0.5
    assert "a good clone does too" in own.note
    assert (own.llr, own.weighs) == (0.0, False)
    stranger = View.open(demo / "voice-2.flac")
    (other,) = detector("audio-speaker").examine(  # type: ignore[misc]
        Evidence(view=stranger, verification=None, enrolled=known)
    )
    assert dict(other.figures)["same_speaker_llr"] < -0.5
    assert "another mood" in other.note
    assert other.llr == 0.0


def test_over_a_telephone_no_voice_is_compared(shared: Path, voices: list[Audio], rng: np.random.Generator) -> None:
    known = enrol([shared / "media/demo/voice-1.flac"])
    far = launder(voices[0], "telephone", rng)
    assert isinstance(far, Audio)
    answer = SpeakerDetector().ask(recorded(far, enrolled=known))
    assert isinstance(answer, Measured)
    assert "too narrow" in answer.note
    assert "same_speaker_llr" not in answer.figures


def test_the_level_of_a_recording_does_not_change_the_voice(voices: list[Audio]) -> None:
    softer = Audio(samples=voices[0].samples * np.float32(0.2), rate=voices[0].rate)
    assert float(embed(voices[0]) @ embed(softer)) > 0.999


def test_scanning_with_an_enrolled_voice_compares_and_bad_recordings_are_wrong_usage(
    shared: Path, run: Callable[..., object], tmp_path: Path
) -> None:
    demo = shared / "media/demo"
    said = run("scan", "-q", demo / "voice-4.flac", "--detectors", "audio-pauses", "--enrolled", demo / "voice-3.flac")
    assert "voice-3.flac" in said.out  # type: ignore[attr-defined]
    assert "audio-pauses" in said.out  # type: ignore[attr-defined]
    quiet, text = tmp_path / "quiet.wav", tmp_path / "text.wav"
    quiet.write_bytes(encode_audio(Audio(samples=np.full((1, 48_000), 1e-3, np.float32), rate=16_000), "wav"))
    text.write_text("no sound at all")
    for path, why in ((quiet, "2 s of speech"), (text, str(text)), (tmp_path / "none.wav", "none.wav")):
        failed = run("scan", "-q", demo / "voice-4.flac", "--enrolled", path)
        assert (failed.code, failed.out) == (2, "")  # type: ignore[attr-defined]
        assert why in failed.err  # type: ignore[attr-defined]


def test_a_picture_enrols_nobody(shared: Path) -> None:
    with pytest.raises(InputError, match="genuine voice"):
        enrol([shared / "media/demo/portrait-1.jpg"])


def test_pauses_are_measured_and_digital_silence_in_them_is_found(voices: list[Audio]) -> None:
    spoken = voices[2]
    plain = told(PausesDetector(), spoken)
    assert plain.figures["zeros"] == 0.0
    assert not plain.spans
    silenced = spoken.samples.copy()
    place = _pause(spoken)
    silenced[:, round((place - 0.06) * spoken.rate) : round((place + 0.06) * spoken.rate)] = 0.0
    found = told(PausesDetector(), Audio(samples=silenced, rate=spoken.rate))
    assert found.figures["zeros"] > 0.1
    assert any(span.start < place < span.end for span in found.spans)


def _pause(audio: Audio) -> float:
    """Return the middle of the first pause, in seconds."""
    first, second = recorded(audio).speech[:2]
    return (first.end + second.start) / 2


def test_a_breath_in_a_pause_is_counted_and_a_hummed_note_is_not(voices: list[Audio], rng: np.random.Generator) -> None:
    rate = voices[0].rate
    word = voices[0].samples[0][: 3 * rate]
    loud = float(np.sqrt(np.mean(word**2)))
    pause = 1e-3 * loud * rng.standard_normal(rate)
    swell = np.hanning(round(0.35 * rate))
    hiss, note = rng.standard_normal(swell.size), np.sin(2 * np.pi * 150 * np.arange(swell.size) / rate)
    counts = []
    for event in (hiss, note):
        held = pause.copy()
        held[rate // 3 : rate // 3 + swell.size] += 0.06 * loud * swell * event
        made = np.concatenate([word, held, word])[None].astype(np.float32)
        speech = (Span(start=0.0, end=3.0), Span(start=4.0, end=7.0))
        answer = PausesDetector().measure(Recording(audio=Audio(samples=made, rate=rate), speech=speech))
        assert isinstance(answer, Measured)
        counts.append(answer.figures["breaths_a_pause"])
    assert counts == [1.0, 0.0]


def test_runs_of_one_value_are_silence_only_from_five_milliseconds() -> None:
    samples = np.sin(np.arange(1000.0))
    samples[100:140], samples[500:600] = 0.0, 0.25
    found = np.flatnonzero(constant_runs(samples, 16_000))
    assert (found[0], found[-1], len(found)) == (500, 599, 100)


def hummed(audio: Audio, *, jump: float, at: float = 3.4) -> Audio:
    times = np.arange(audio.samples.shape[1]) / audio.rate
    phase = 2 * np.pi * 50.02 * times + np.where(times >= at, jump, 0.0)
    level = 0.1 * float(np.sqrt(np.mean(audio.samples**2)))
    hum = level * (np.sin(phase) + np.sin(2 * phase + 1) + 0.5 * np.sin(3 * phase + 2))
    return Audio(samples=audio.samples + hum.astype(np.float32)[None], rate=audio.rate)


@pytest.mark.parametrize("person", [0, 2])
def test_a_jump_of_the_hums_phase_is_told_where_it_is_and_a_steady_hum_has_none(
    person: int, voices: list[Audio]
) -> None:
    assert hum_of(recorded(voices[person]).samples, voices[person].rate) is None
    steady = told(SpliceDetector(), hummed(voices[person], jump=0.0))
    assert steady.figures["hum"] > 24
    assert steady.figures["jumps"] == 0
    assert "without a jump" in steady.note
    jumped = told(SpliceDetector(), hummed(voices[person], jump=1.4))
    assert jumped.figures["jumps"] >= 1
    assert any(span.start - 0.2 <= 3.4 <= span.end + 0.2 for span in jumped.spans)


def test_another_background_is_told_between_the_pauses_where_it_begins(rng: np.random.Generator) -> None:
    rate = 16_000
    wave = 1e-3 * rng.standard_normal(12 * rate)
    speech = tuple(Span(start=start, end=start + 1.0) for start in np.arange(0.5, 11, 1.7))
    assert max(size for _, size in floor_changes(wave, rate, speech)) < 3
    wave[6 * rate :] *= 8
    span, size = floor_changes(wave, rate, speech)[0]
    assert size == pytest.approx(18, abs=2)
    assert span.start < 6.0 < span.end
    assert floor_changes(wave, rate, (*speech[:1], Span(start=1.5, end=11.9))) == ()


def test_a_click_in_a_pause_is_told_to_the_millisecond(voices: list[Audio]) -> None:
    assert told(SpliceDetector(), voices[2]).figures["clicks"] == 0
    place = _pause(voices[2])
    clicked = voices[2].samples.copy()
    clicked[0, round(place * 16_000) :] += 0.5
    found = told(SpliceDetector(), Audio(samples=clicked, rate=16_000))
    assert any(abs((span.start + span.end) / 2 - place) < 0.002 for span in found.spans)


@pytest.mark.parametrize(
    ("chain", "codec"),
    [
        pytest.param("mp3-64k", "MP3", id="mp3"),
        pytest.param("aac-64k", "AAC", id="aac"),
    ],
)
def test_an_earlier_compression_is_told_by_its_grid_even_after_a_cut(
    chain: str, codec: str, voices: list[Audio], rng: np.random.Generator
) -> None:
    plain = Audio(samples=np.ascontiguousarray(voices[0].samples[:, : 4 * 16_000]), rate=16_000)
    before = {grid.codec: grid.height for grid in grids(recorded(plain).samples, 16_000)}
    assert max(before.values()) < 8
    made = launder(plain, chain, rng)
    assert isinstance(made, Audio)
    shifted = Audio(samples=0.7 * made.samples[:, 333:], rate=made.rate)
    first, second = ({grid.codec: grid for grid in grids(recorded(one).samples, 16_000)} for one in (made, shifted))
    assert first[codec].height > 20
    size = 576 if codec == "MP3" else 1024
    assert (first[codec].offset - second[codec].offset) % size == 333 % size
    assert f"frame grid of {codec}" in told(CodecDetector(), shifted).note


def test_a_band_that_ends_early_an_interpolation_and_eight_bits_are_told(voices: list[Audio]) -> None:
    short = np.ascontiguousarray(voices[0].samples[:, : 3 * 16_000])
    assert "no trace" in told(CodecDetector(), Audio(samples=short, rate=16_000)).note
    high = resample(short, 16_000, 48_000)
    wide = told(CodecDetector(), Audio(samples=np.clip(high, -1, 1), rate=48_000))
    assert "nothing above 7." in wide.note
    assert "24 kHz would fit" in wide.note
    wave = short[0]
    places = np.arange(int(len(wave) * 1.378125)) / 1.378125
    lines = np.interp(places, np.arange(len(wave)), wave).astype(np.float32)[None]
    assert "interpolation with a period" in told(CodecDetector(), Audio(samples=lines, rate=22_050)).note
    coarse = Audio(samples=(np.round(short * 127) / 127).astype(np.float32), rate=16_000)
    assert "different values" in told(CodecDetector(), coarse).note


def test_white_noise_has_no_edge(rng: np.random.Generator) -> None:
    edge, _ = band_edge(rng.standard_normal(32_000), 16_000)
    assert edge == 8000


def test_a_steady_tone_and_mirrored_bands_are_found_and_speech_has_neither(voices: list[Audio]) -> None:
    wave = recorded(voices[0]).samples
    assert tones(wave, 16_000) == ()
    assert mirror(wave, 16_000)[1] < 0.1
    ringing = wave + 1e-3 * np.sin(2 * np.pi * 5512.5 * np.arange(len(wave)) / 16_000)
    hertz, above = tones(ringing, 16_000)[0]
    assert hertz == pytest.approx(5512.5, abs=5)
    assert above > 10
    half = resample(wave, 16_000, 8000).astype(np.float64)
    images = np.zeros(2 * len(half))
    images[::2] = 2 * half
    fold, height = mirror(images, 16_000)
    assert fold == 4000
    assert height > 0.25


def test_a_beat_of_upsampled_samples_is_told_and_a_voice_has_none(voices: list[Audio]) -> None:
    wave = recorded(voices[0]).samples
    assert beat(wave)[1] < BEAT
    uneven = wave * np.tile([1.0, 1.0, 1.0, 1.02, 1.0, 1.0, 1.0, 0.98], len(wave) // 8)
    sixteenths, above = beat(uneven)
    assert sixteenths % 2 == 0
    assert above > BEAT
    assert "a beat every" in told(PhaseDetector(), Audio(samples=uneven[None].astype(np.float32), rate=16_000)).note


def test_a_pulse_train_through_a_filter_is_more_periodic_than_a_voice(voices: list[Audio]) -> None:
    from scipy.signal import lfilter

    person = told(PhaseDetector(), voices[0])
    times = np.arange(5 * 16_000) / 16_000
    pitch = np.cumsum(110 + 15 * np.sin(2 * np.pi * 0.7 * times)) / 16_000
    pulses = np.diff(np.floor(pitch), prepend=0.0)
    buzz = lfilter([1.0], np.poly(0.97 * np.exp(1j * np.array([0.25, -0.25, 0.6, -0.6]))).real, pulses)
    made = Audio(samples=(0.1 * buzz / np.abs(buzz).max())[None].astype(np.float32), rate=16_000)
    whole = Recording(audio=made, speech=(Span(start=0.0, end=5.0),))
    machine = PhaseDetector().measure(whole)
    assert isinstance(machine, Measured)
    assert machine.figures["kurtosis"] > person.figures["kurtosis"] + 0.5
    assert machine.figures["comb_high"] > person.figures["comb_high"] + 0.1


@pytest.mark.parametrize("name", CUES)
@pytest.mark.parametrize(
    "media",
    [
        pytest.param(Still(pixels=np.zeros((8, 8, 3), np.uint8)), id="picture"),
        pytest.param(Audio(samples=np.zeros((1, 80_000), np.float32), rate=16_000), id="silence"),
        pytest.param(Audio(samples=np.full((2, 1), 0.5, np.float32), rate=44_100), id="one sample"),
        pytest.param(Audio(samples=np.full((1, 300), 0.5, np.float32), rate=100), id="a rate of nothing"),
    ],
)
def test_a_cue_that_cannot_tell_says_why(name: str, media: Still | Audio) -> None:
    answer = detector(name).examine(Evidence(view=View.of(media), verification=None))
    assert isinstance(answer, Skipped)
    assert answer.why
    assert not answer.failed


@pytest.mark.parametrize("name", CUES)
def test_a_cue_answers_the_same_twice_at_any_rate_and_changes_nothing(name: str, voices: list[Audio]) -> None:
    sound = Audio(
        samples=np.clip(resample(np.repeat(voices[2].samples, 2, axis=0), 16_000, 44_100), -1, 1), rate=44_100
    )
    kept = sound.samples.copy()
    once, again = (detector(name).examine(Evidence(view=View.of(sound), verification=None)) for _ in range(2))
    assert once == again
    assert np.array_equal(sound.samples, kept)
    assert isinstance(once, tuple)
    assert all(not finding.weighs and finding.figures for finding in once)


def test_cues_run_only_where_they_are_named() -> None:
    assert set(CUES) <= ON_REQUEST
    assert not set(CUES) & set(names())


def test_noise_alone_has_no_voice_to_follow(rng: np.random.Generator) -> None:
    hiss = Audio(samples=(0.05 * rng.standard_normal((1, 64_000))).astype(np.float32), rate=16_000)
    for cue in (SpeakerDetector(), PausesDetector(), PhaseDetector()):
        assert isinstance(cue.ask(recorded(hiss)), Untold)
    assert isinstance(SpliceDetector().ask(recorded(hiss)), Measured)
