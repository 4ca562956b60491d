"""Front ends: the same numbers at once and block by block, and the field's definitions where libraries share them."""

from __future__ import annotations

import subprocess
import sys

import librosa
import numpy as np
import pytest
import torch
import torchaudio
from assay.detect.audio.frontends import FRONTENDS, RATE, front_end, group_delay, lfcc, mel
from assay.detect.audio.frontends import cqcc as constant_q
from assay.detect.audio.frontends.cepstra import cosine, delta
from assay.detect.finding import ModelError
from assay.detect.train import copysynth

ROWS = {
    "lfcc": (199, 60),
    "mfcc": (197, 60),
    "cqcc": (188, 60),
    "log-mel": (197, 80),
    "modulation": (2, 480),
    "group-delay": (199, 60),
    "long-term": (1, 514),
    "raw": (32_000, 1),
}


@pytest.fixture(scope="module")
def voice() -> np.ndarray:
    """Two seconds of speech at 16 kHz, at the level that the gate sets."""
    from assay.media.audio import resample

    spoken = copysynth.speak(np.random.default_rng(1))
    mono = resample(spoken.mono(), spoken.rate, RATE)[: 2 * RATE]
    return np.ascontiguousarray(mono * (0.05 / mono.std()), dtype=np.float32)


@pytest.mark.parametrize("name", FRONTENDS)
def test_features_have_the_documented_shape_and_leave_the_sound_alone(name: str, voice: np.ndarray) -> None:
    kept = voice.copy()
    found = front_end(name).features(voice)
    assert found.shape == ROWS[name]
    assert found.dtype == np.float32
    assert np.isfinite(found).all()
    assert np.array_equal(voice, kept)
    assert found.std() > 0.01


@pytest.mark.parametrize("name", FRONTENDS)
@pytest.mark.parametrize("block", [37, 160, 5000, 40_000])
def test_a_stream_gives_what_one_call_gives(name: str, block: int, voice: np.ndarray) -> None:
    sound = voice[:20_000] if block < 100 else voice
    stream = front_end(name).stream()
    parts = [stream.feed(sound[at : at + block]) for at in range(0, sound.size, block)]
    parts.append(stream.end())
    expected = front_end(name).features(sound)
    found = np.concatenate(parts)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)
    if block == 160 and name not in {"long-term", "modulation"}:
        assert sum(len(part) for part in parts[:-1]) >= len(expected) - 4, "a stream waits for its neighbours alone"


@pytest.mark.parametrize("name", FRONTENDS)
def test_what_is_shorter_than_a_frame_gives_no_row_and_silence_is_finite(name: str) -> None:
    front = front_end(name)
    assert front.features(np.zeros(front.size - 1, np.float32)).shape == (0, front.width)
    stream = front.stream()
    assert stream.feed(np.zeros(front.size - 1, np.float32)).shape == (0, front.width)
    assert stream.end().shape == (0, front.width)
    one = front.features(np.zeros(front.size, np.float32))
    assert one.shape == (1, front.width)
    assert np.isfinite(one).all()


def test_mel_bands_are_librosas_and_torchaudios(voice: np.ndarray) -> None:
    ours = mel.mel_power(np.lib.stride_tricks.sliding_window_view(voice, mel.FRAME)[:: mel.STEP], 80)
    theirs = librosa.feature.melspectrogram(y=voice, sr=RATE, n_fft=512, hop_length=160, n_mels=80, center=False)
    np.testing.assert_allclose(ours, theirs.T, rtol=1e-3, atol=1e-7)
    bank = torchaudio.functional.melscale_fbanks(257, 0, 8000, 80, RATE, norm="slaney", mel_scale="slaney")
    np.testing.assert_allclose(mel.mel_filters(80), bank.numpy(), atol=1e-6)


def test_mfcc_are_librosas(voice: np.ndarray) -> None:
    power = librosa.feature.melspectrogram(y=voice, sr=RATE, n_fft=512, hop_length=160, n_mels=40, center=False)
    theirs = librosa.feature.mfcc(S=librosa.power_to_db(power, top_db=None), n_mfcc=20)
    ours = front_end("mfcc").features(voice)
    np.testing.assert_allclose(ours[:, :20], theirs.T, rtol=1e-4, atol=1e-2)


def test_linear_triangles_are_torchaudios_and_slopes_librosas(voice: np.ndarray) -> None:
    bank = torchaudio.functional.linear_fbanks(257, 0.0, lfcc.BAND, lfcc.FILTERS, RATE)
    np.testing.assert_allclose(lfcc.filters(), bank.numpy(), atol=1e-5)
    static = front_end("lfcc").features(voice)[:, :20]
    theirs = librosa.feature.delta(static.T, width=5, mode="nearest").T
    np.testing.assert_allclose(delta(static), theirs, atol=1e-4)


def test_lfcc_are_those_of_torchaudio_from_the_same_spectrum(voice: np.ndarray) -> None:
    log_power, power = lfcc.spectra(voice)
    bank = torchaudio.functional.linear_fbanks(257, 0.0, lfcc.BAND, lfcc.FILTERS, RATE)
    turn = torchaudio.functional.create_dct(20, lfcc.FILTERS, norm="ortho")
    theirs = torch.log(torch.from_numpy(power) @ bank + 1e-8) @ turn
    np.testing.assert_allclose(lfcc.lfcc(log_power)[:, :20], theirs.numpy(), atol=1e-3)


def test_constant_q_kernels_are_librosas() -> None:
    theirs, lengths = librosa.filters.wavelet(
        freqs=constant_q.frequencies(), sr=RATE, window="hann", gamma=None, norm=1, pad_fft=False
    )
    np.testing.assert_allclose(constant_q.lengths(), lengths, rtol=1e-6)
    ours = constant_q.kernels()
    for place in (0, 40, 164):
        wanted = theirs[place][np.abs(theirs[place]) > 0]
        got = ours[:, place][np.abs(ours[:, place]) > 0].conj()
        assert abs(len(got) - len(wanted)) <= 2
        n = min(len(got), len(wanted))
        assert np.abs(np.vdot(got[:n], wanted[:n])) > 0.999 * np.linalg.norm(got) * np.linalg.norm(wanted)


def test_a_tone_peaks_in_its_own_constant_q_bin() -> None:
    time = np.arange(constant_q.FRAME) / RATE
    for place in (30, 90, 150):
        tone = np.sin(2 * np.pi * constant_q.frequencies()[place] * time)
        assert np.abs(tone @ constant_q.kernels()).argmax() == place


def test_the_group_delay_of_an_echo_free_pulse_is_flat_and_tells_its_place() -> None:
    pulses = np.zeros((2, 320), np.float32)
    pulses[0, 100] = pulses[1, 200] = 1.0
    early, late = group_delay.modified_group_delay(pulses)
    assert np.ptp(early) < 1e-3 * early.mean()
    # Of one pulse the slope is its place times a power of the window there, both to the power alpha.
    window = np.hamming(320)[[100, 200]] ** 2
    smooth = (window**0.5 + 1e-6) ** (2 * group_delay.GAMMA)
    expected = (np.array([100, 200]) * window / smooth) ** group_delay.ALPHA
    np.testing.assert_allclose([early.mean(), late.mean()], expected, rtol=1e-3)


def test_modulation_finds_the_rhythm_of_a_swelling_sound(rng: np.random.Generator) -> None:
    time = np.arange(2 * RATE) / RATE
    for hertz in (4, 12):
        sound = 0.05 * rng.standard_normal(time.size) * np.exp(np.sin(2 * np.pi * hertz * time))
        found = front_end("modulation").features(sound.astype(np.float32)).reshape(-1, 24, 20)
        assert found.mean(axis=(0, 1)).argmax() + 1 == hertz


def test_an_unknown_front_end_is_refused_naming_the_known() -> None:
    with pytest.raises(ModelError, match="lfcc, cqcc"):
        front_end("plp")


def test_front_ends_need_neither_torch_nor_librosa() -> None:
    code = (
        "import sys, numpy as np; from assay.detect.audio.frontends import FRONTENDS, front_end;"
        "[front_end(n).features(np.zeros(17000, np.float32)) for n in FRONTENDS];"
        "print(sorted({'torch', 'librosa', 'torchaudio', 'sklearn'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True, cwd="/")
    assert done.stdout.strip() == "[]"


def test_the_cosine_transform_is_scipys(rng: np.random.Generator) -> None:
    from scipy.fft import dct

    values = rng.standard_normal((50, 70)).astype(np.float32)
    assert cosine(values, 20).dtype == np.float32
    np.testing.assert_allclose(cosine(values, 20), dct(values, type=2, norm="ortho", axis=1)[:, :20], atol=2e-6)
