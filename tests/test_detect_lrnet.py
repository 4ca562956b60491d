"""LRNet: the published tensors, landmarks over time, and training on fakes made of them."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from assay.datasets.corpus import CorpusError, Item
from assay.detect import ON_REQUEST, Evidence, Finding, Skipped, names
from assay.detect.cue import Untold
from assay.detect.finding import ModelError
from assay.detect.model import golden_input, load
from assay.detect.train import landmarks as training
from assay.detect.train.fit import auc
from assay.detect.train.landmarks_fakes import FAKES, disturbed, noise, paced
from assay.detect.train.landmarks_material import Windows, made_of, series_if_fit, series_of_film, tracks_of
from assay.detect.train.loop import Pace, Run
from assay.detect.train.networks.lrnet import INPUTS, Branch, LRNet, load_published, to_onnx, torch_scores
from assay.detect.train.visual_networks import Plan
from assay.detect.visual import landmarks
from assay.detect.visual.cues.cue import Seen
from assay.detect.visual.landmarks import IBUG, MIRROR, RIGID, aligned, calibrated, series, tremble, upright, windows
from assay.detect.visual.lrnet import LRNetDetector
from assay.media.asset import Asset
from assay.media.decode import decode_image
from assay.media.encode import encode_film
from assay.media.errors import InputError
from assay.media.faces import CROP_SIDE, Followed, moved, similarity
from assay.media.image import Still
from assay.media.video import Frame
from assay.media.view import View


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


SHAPE = np.random.default_rng(5).uniform(-1.0, 1.0, (68, 2))
PLAN = Plan(model="lrnet", pace=Pace(epochs=1, batch=8, rate=3e-3, device="cpu"), folds=2, draws=16)


def made_track(seed: int, *, frames: int = 130, shake: float = 0.002) -> np.ndarray:
    """Return the aligned landmarks of a head that sways and speaks, seen with noise of deviation `shake`."""
    rng = np.random.default_rng(seed)
    ways = rng.normal(0.0, 0.15, (4, 68, 2))
    when = np.arange(frames)[:, None] / 25.0
    moods = np.sin(2 * np.pi * rng.uniform(0.2, 1.5, 4) * when + rng.uniform(0, 6, 4)) * 0.15
    points = SHAPE + rng.normal(0, 0.03, (68, 2)) + np.einsum("nk,kij->nij", moods, ways)
    return aligned((points + rng.normal(0, shake, points.shape)).astype(np.float32))


def made_items(reals: int, fakes: int) -> list[Item]:
    """Return items of films that are nowhere: their landmarks are made by `shaken`."""
    common: dict[str, Any] = {"kind": "video", "licence": "made", "path": Path("film.mp4")}
    labels = ["bona fide"] * reals + ["spoof"] * fakes
    return [
        Item(
            id=str(number),
            sha256=f"{number:064x}",
            label=label,  # type: ignore[arg-type]
            maker="" if label == "bona fide" else f"maker {number % 3}",
            group=f"person {number}",
            **common,
        )
        for number, label in enumerate(labels)
    ]


def shaken(item: Item) -> np.ndarray:
    return made_track(int(item.id), shake=0.02 if item.spoof else 0.002)


def numpy_branch(state: dict[str, np.ndarray], frames: np.ndarray) -> np.ndarray:
    """Return a branch's logits of one series `[n, 136]`, by the equations of Cho et al. 2014 as torch has them."""
    from math import erf

    def sigmoid(x: np.ndarray) -> np.ndarray:
        return 1 / (1 + np.exp(-x))

    ends = []
    for way, order in (("", 1), ("_reverse", -1)):
        w, u, b, c = (state[f"gru.{name}_l0{way}"] for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"))
        h = state["hidden_state"][len(ends), 0]
        for x in frames[::order]:
            given, kept = np.split(w @ x + b, 3), np.split(u @ h + c, 3)
            reset, update = sigmoid(given[0] + kept[0]), sigmoid(given[1] + kept[1])
            h = (1 - update) * np.tanh(given[2] + reset * kept[2]) + update * h
        ends.append(h)
    joined = np.concatenate(ends)
    hidden = state["dense.1.fn.net.0.weight"] @ joined + state["dense.1.fn.net.0.bias"]
    bent = np.array([0.5 * x * (1 + erf(x / np.sqrt(2))) for x in hidden])
    out = joined + state["dense.1.fn.net.3.weight"] @ bent + state["dense.1.fn.net.3.bias"]
    return np.asarray(state["dense.3.weight"] @ out + state["dense.3.bias"])


def test_a_branch_is_a_gated_recurrent_network_both_ways() -> None:
    torch.manual_seed(3)
    branch = Branch().eval()
    frames = np.random.default_rng(2).uniform(-1, 1, (7, 136))
    state = {name: value.double().numpy() for name, value in branch.state_dict().items()}
    with torch.inference_mode():
        told = branch(torch.from_numpy(frames[None].astype(np.float32))).numpy()[0]
    assert told == pytest.approx(numpy_branch(state, frames), abs=1e-5)


def test_the_published_tensors_load_whole_and_mean_the_same_everywhere(shared: Path) -> None:
    import onnxruntime

    paths = [shared / f"weights/lrnet/g{number}.pth" for number in (1, 2)]
    network = load_published(*paths)
    track = made_track(1)
    cut = windows(track)
    features = landmarks.flat(cut)
    session = onnxruntime.InferenceSession(to_onnx(network), providers=["CPUExecutionProvider"])
    scores, branches = session.run(["score", "branches"], {"features": features})
    for part, path in enumerate(paths):
        state = {
            name: t.double().numpy() for name, t in torch.load(path, map_location="cpu", weights_only=True).items()
        }
        assert len(state) == 15
        for window, told in zip(cut, branches, strict=True):
            frames = window.reshape(60, 136).astype(np.float64)
            logits = numpy_branch(state, np.diff(frames, axis=0) if part else frames)
            assert told[part] == pytest.approx(logits[1] - logits[0], abs=1e-3)
    shares = (1 / (1 + np.exp(-branches.astype(float)))).mean(axis=1)
    assert scores[:, 0] == pytest.approx(np.log(shares / (1 - shares)), abs=1e-3)


def test_the_published_columns_agree_with_the_reading_of_their_input(shared: Path) -> None:
    """Columns of points that lie together learned alike, x and y apart; far ones do not: the 68 in this order."""
    state = torch.load(shared / "weights/lrnet/g1.pth", map_location="cpu", weights_only=True)
    columns = torch.cat([state["gru.weight_ih_l0"], state["gru.weight_ih_l0_reverse"]]).numpy()
    ties = np.corrcoef(columns.T)
    along = [ties[k, k + 2] for k in range(134)]
    across = [ties[k, k + 1] for k in range(135)]
    assert np.mean(along) > 0.5
    assert abs(np.mean(across)) < 0.1
    jumps = [ties[2 * k + axis, 2 * k + 2 + axis] for k in (16, 21, 35, 47) for axis in (0, 1)]
    assert np.mean(jumps) < 0.2
    # Noise that dropout makes of a coordinate grows with it, so weights stay small where it is far from 0: the chin
    # lies at 0 sideways, the nose and the middle of the jaw in height.
    across_face, down = np.linalg.norm(columns[:, ::2], axis=0), np.linalg.norm(columns[:, 1::2], axis=0)
    assert across_face[8] > 2 * across_face[[0, 1, 15, 16]].max()
    assert set(np.argsort(down)[-7:]) <= {2, 14, *range(30, 36)}


def _connections() -> Any:
    root = importlib.util.find_spec("mediapipe")
    if root is None or not root.submodule_search_locations:
        pytest.skip("mediapipe is not installed")
    path = Path(root.submodule_search_locations[0]) / "python/solutions/face_mesh_connections.py"
    spec = importlib.util.spec_from_file_location("face_mesh_connections", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("part", "contour", "closed"),
    [
        pytest.param(slice(0, 17), "FACEMESH_FACE_OVAL", False, id="jaw"),
        pytest.param(slice(36, 42), "FACEMESH_RIGHT_EYE", True, id="eye left in the picture"),
        pytest.param(slice(42, 48), "FACEMESH_LEFT_EYE", True, id="eye right in the picture"),
        pytest.param(slice(48, 60), "FACEMESH_LIPS", True, id="lips outside"),
        pytest.param(slice(60, 68), "FACEMESH_LIPS", True, id="lips inside"),
    ],
)
def test_points_follow_the_contours_of_the_mesh_in_order(part: slice, contour: str, closed: bool) -> None:
    """Walking from each point to the next along the contour's edges meets no other point of the part on the way."""
    edges: dict[int, set[int]] = {}
    for one, other in getattr(_connections(), contour):
        edges.setdefault(one, set()).add(other)
        edges.setdefault(other, set()).add(one)
    points = IBUG[part]
    assert set(points) <= set(edges)
    for start, end in zip(points, (*points[1:], points[0]) if closed else points[1:], strict=False):
        others = set(points) - {start, end}
        seen, border = {start}, [start]
        while border:
            border = [n for one in border for n in edges[one] if n not in seen | others]
            seen |= set(border)
        assert end in seen


def test_the_points_of_a_face_lie_where_their_names_say(shared: Path) -> None:
    (mesh,) = View.of(decode_image(Asset.open(shared / "media/demo/portrait-1.jpg"))).meshes[:1]
    assert mesh is not None
    face = mesh.points[list(IBUG), :2]
    x, y = face.T
    assert len(set(IBUG)) == 68
    assert sorted(MIRROR) == list(range(68))
    assert [MIRROR[MIRROR[k]] for k in range(68)] == list(range(68))
    assert (np.diff(x[17:27]) > 0).all()
    assert (np.diff(x[31:36]) > 0).all()
    assert (np.diff(y[27:31]) > 0).all()
    assert y[8] == y.max()
    assert y[17:27].max() < y[36:48].min() < y[30] < y[33] < y[51] <= y[62] <= y[66] <= y[57] < y[8]
    assert x[:9].max() < x[30] + np.ptp(x) * 0.1
    mirrored = face[list(MIRROR)] * [-1, 1]
    off = moved(mirrored, similarity(mirrored, face)) - face
    assert np.linalg.norm(off, axis=1).max() < 0.12 * np.ptp(y), "a face and its mirror image nearly agree"


def test_alignment_takes_shift_turn_and_size_off_and_nothing_else() -> None:
    track = made_track(2)
    rng = np.random.default_rng(1)
    turned = []
    for frame in track:
        angle, size, shift = rng.uniform(-0.3, 0.3), rng.uniform(0.5, 2), rng.uniform(-50, 50, 2)
        turn = size * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        turned.append(frame @ turn.T + shift)
    back = aligned(np.array(turned, np.float32))
    both = moved(back.reshape(-1, 2), similarity(back.reshape(-1, 2), track.reshape(-1, 2)))
    assert np.abs(both - track.reshape(-1, 2)).max() < 0.02
    mean = back.mean(axis=0)
    assert (mean[:, 1].min(), mean[:, 1].max()) == pytest.approx((-1, 1), abs=1e-5)
    assert (mean[:, 0].min() + mean[:, 0].max()) == pytest.approx(0, abs=1e-5)
    rigid = list(RIGID)
    goal = track[:, rigid].mean(axis=0)
    each = np.stack([moved(frame, similarity(frame[rigid], goal)) for frame in track])
    own = aligned(track)
    both = moved(own.reshape(-1, 2), similarity(own.reshape(-1, 2), each.reshape(-1, 2)))
    assert np.abs(both - each.reshape(-1, 2)).max() < 1e-4, "as the similarity of faces has it"


def test_calibration_calms_detections_and_follows_a_leap(rng: np.random.Generator) -> None:
    import cv2

    texture = cv2.GaussianBlur(rng.uniform(0, 255, (CROP_SIDE, CROP_SIDE, 3)).astype(np.float32), (0, 0), 2)
    texture = np.clip((texture - texture.mean()) * 6 + 128, 0, 255).astype(np.uint8)
    crops = np.stack([texture] * 40)
    crops[20:] = 255 - np.roll(texture, 30, axis=0)  # where everything changes, tracking cannot know
    still = rng.uniform(30, 98, (68, 2))
    points = np.stack([still + (0 if k < 20 else 9.0) + rng.normal(0, 0.6, (68, 2)) for k in range(40)]).astype(
        np.float32
    )
    calm = calibrated(points, crops)
    assert tremble(calm[2:20]) < 0.6 * tremble(points[2:20])
    assert np.linalg.norm(calm[:20].mean(axis=0) - still, axis=1).max() < 1.0
    assert np.median(np.linalg.norm(calm[24:].mean(axis=0) - still - 9.0, axis=1)) < 1.0


def test_a_stretch_is_windowed_at_its_own_rate_or_brought_to_25() -> None:
    points = np.zeros((200, 468, 3), np.float32)
    points[:, :, :2] = np.random.default_rng(3).uniform(100, 200, (1, 468, 2))
    for rate, frames in ((30.0, 200), (25.0, 200), (50.0, 100), (60.0, 83)):
        face = _followed(points, rate)
        assert len(series(face, calm=aligned(upright(face)))) == pytest.approx(frames, abs=1)
    assert windows(series(_followed(points, 25.0))).shape == (3, 60, 68, 2)
    assert len(series_if_fit(_followed(points, 12.0))) == 0
    assert len(series_if_fit(None)) == 0
    assert upright(_followed(points, 25.0)).shape == (200, 68, 2)


def _followed(points: np.ndarray, rate: float) -> Followed:
    count = len(points)
    return Followed(
        times=np.arange(count) / rate,
        points=points,
        crops=np.zeros((count, CROP_SIDE, CROP_SIDE, 3), np.uint8),
        skin=np.zeros((count, 3, 3), np.float32),
        surround=np.full((count, 3), np.nan, np.float32),
    )


@pytest.mark.parametrize("sort", FAKES)
def test_a_fake_changes_motion_and_keeps_the_face(sort: str) -> None:
    real, donor = made_track(3), made_track(4)
    fake = FAKES[sort](real[:70], donor[:70], np.random.default_rng(1))
    again = FAKES[sort](real[:70], donor[:70], np.random.default_rng(1))
    assert fake.shape == real[:70].shape
    assert np.array_equal(fake, again)
    assert not np.allclose(fake, real[:70], atol=1e-3)
    assert np.abs(fake.mean(axis=0) - real[:70].mean(axis=0)).max() < 0.06


def test_what_either_class_goes_through_keeps_order_and_pace(rng: np.random.Generator) -> None:
    track = made_track(6)
    assert paced(track, 60, 1.0) == pytest.approx(track[:60], abs=1e-6)
    assert paced(track, 60, 2.0)[10] == pytest.approx(track[20], abs=1e-6)
    assert disturbed(track, rng).shape == track.shape
    assert noise(track) == pytest.approx(0.002 / np.abs(SHAPE).max(), rel=0.6)


def test_planted_trembling_is_found_in_people_never_met(tmp_path: Path) -> None:
    items = made_items(10, 9)
    tracks = tracks_of(items, shaken, folder=None, sorts=("trembling",))
    known = {"0", "1", "2", "3", "4", "5", "10", "11", "12", "13", "14"}
    rows = np.flatnonzero([tracks.table.items[i].id.split("+")[0] in known for i in tracks.table.item])
    plan = replace(PLAN, pace=replace(PLAN.pace, epochs=5, batch=32, rate=5e-3), draws=320)
    network = training.taught(tracks, rows, plan, Run(pace=plan.pace, folder=tmp_path))
    rest = np.setdiff1d(np.arange(len(tracks.start)), rows)
    others = np.array([k for k in rest if "+" not in tracks.table.items[tracks.table.item[k]].id])
    scores = training.judge(network, tracks, others)
    assert auc(tracks.table.spoof[others], scores) > 0.9


def test_training_goes_from_films_to_a_network_with_a_card_and_resumes_to_the_same_bytes(tmp_path: Path) -> None:
    items = made_items(5, 4)
    card = training.train_network(items, PLAN, out=tmp_path / "one", series_of=shaken)
    model = load(card.with_suffix(".onnx"), card)
    assert (model.name, model.inputs) == ("visual-lrnet", INPUTS)
    told = json.loads(card.read_text())
    assert told["training"]["sorts"] == list(FAKES)
    assert told["metrics"]["video"]["spoof"] == 4
    assert model.outputs(golden_input(INPUTS))["branches"].shape == (2, 2)
    stopped: list[str] = []

    def stop(what: str, _done: float) -> None:
        stopped.append(what)
        if what == "training on all":
            raise InterruptedError

    with pytest.raises(InterruptedError):
        training.train_network(items, PLAN, out=tmp_path / "two", series_of=shaken, progress=stop)
    again = training.train_network(items, replace(PLAN, resume=True), out=tmp_path / "two", series_of=shaken)
    assert again.read_bytes() == card.read_bytes()
    assert again.with_suffix(".onnx").read_bytes() == card.with_suffix(".onnx").read_bytes()


def test_folds_together_answer_with_their_mean(tmp_path: Path) -> None:
    plan = replace(PLAN, whole=False, others=False)
    card = training.train_network(made_items(5, 4), plan, out=tmp_path, series_of=shaken)
    model = load(card.with_suffix(".onnx"), card)
    features = golden_input(INPUTS)
    each = []
    for path in sorted((tmp_path / "work").glob("lrnet-*/fold-*.pt")):
        network = LRNet()
        network.load_state_dict(torch.load(path, weights_only=True))
        with torch.inference_mode():
            each.append(network.eval().branches(torch.from_numpy(features)).numpy())
    assert len(each) == 2
    assert model.outputs(features)["branches"] == pytest.approx(np.mean(each, axis=0), abs=1e-4)


def test_a_row_is_the_same_each_time_and_a_draw_differs() -> None:
    tracks = tracks_of(made_items(3, 1), shaken, folder=None)
    seen = Windows(tracks, np.arange(len(tracks.start)), seed=1)
    place = next(k for k in range(len(seen)) if "+stiff" in tracks.table.items[tracks.table.item[k]].id)
    assert torch.equal(seen[place][0], seen[place][0])
    drawn = seen[place + len(seen)]
    assert torch.equal(drawn[0], seen[place + len(seen)][0])
    assert not torch.equal(drawn[0], seen[place][0])
    assert int(drawn[1]) == int(seen[place][1]) == 0
    assert made_of(tracks.table.items[0], "late").group == tracks.table.items[0].group


@pytest.mark.parametrize(
    ("items", "told", "match"),
    [
        pytest.param([], {}, "real films to train on", id="nothing"),
        pytest.param(made_items(3, 0), {}, "faked ones to calibrate on", id="reals alone"),
        pytest.param(made_items(3, 2), {"frames": 40}, "60 frames of one face", id="too short"),
    ],
)
def test_what_cannot_be_trained_on_is_refused(
    items: Sequence[Item], told: dict[str, int], match: str, tmp_path: Path
) -> None:
    with pytest.raises(CorpusError, match=match):
        training.train_network(items, PLAN, out=tmp_path, series_of=lambda item: made_track(int(item.id), **told))


def test_weights_from_outside_and_windows_of_another_width_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="leave --encoder out"):
        training.train_network(made_items(2, 1), replace(PLAN, encoder=tmp_path), out=tmp_path)
    with pytest.raises(InputError, match="expected windows"):
        torch_scores(LRNet(), np.zeros((1, 5), np.float32))
    path = tmp_path / "g1.pth"
    path.write_bytes(b"no tensors")
    with pytest.raises(ModelError, match="checkpoint"):
        load_published(path, path)
    torch.save({"hidden_state": torch.zeros(2, 1, 32)}, path)
    with pytest.raises(ModelError, match="Missing key"):
        load_published(path, path)


def test_the_command_names_what_it_lacks(run: Callable[..., Any], tmp_path: Path) -> None:
    import cv2

    for kind in ("real", "fake/maker"):
        (tmp_path / "corpus" / kind).mkdir(parents=True)
        cv2.imwrite(str(tmp_path / "corpus" / kind / f"{kind[:4]}.png"), np.zeros((32, 32, 3), np.uint8))
    said = run(
        "train", "visual", "--model", "lrnet", "--corpus", str(tmp_path / "corpus"), "--out", str(tmp_path / "o")
    )
    assert said.code == 3
    assert "real films to train on" in said.err


def swaying(portrait: np.ndarray, seed: int, *, frames: int = 64) -> bytes:
    """Return a film of a portrait that sways, right of a grey half."""
    import cv2

    rng = np.random.default_rng(seed)
    shown = []
    for number in range(frames):
        shift = 3 * np.sin(number / 6 + seed) + rng.normal(0, 0.2), 2 * np.cos(number / 9)
        moving = np.array([[1, 0, shift[0]], [0, 1, shift[1]]])
        image = cv2.warpAffine(portrait, moving, portrait.shape[1::-1], borderMode=cv2.BORDER_REPLICATE)
        both = np.concatenate([np.full_like(image, 90), image], axis=1)
        shown.append(Frame(index=number, time=number / 25, image=both))
    return encode_film(shown, None, rate=Fraction(25), crf=18)


def test_the_command_trains_on_films(run: Callable[..., Any], shared: Path, tmp_path: Path) -> None:
    import cv2

    portrait = cv2.resize(decode_image(Asset.open(shared / "media/demo/portrait-1.jpg")).pixels, (192, 240))
    rows = ["path,label,maker,group"]
    for number in range(4):
        name = f"film-{number}.mp4"
        (tmp_path / name).write_bytes(swaying(portrait, number))
        rows.append(f"{name},{'spoof,x' if number > 1 else 'bona fide,'},person {number}")
    (tmp_path / "corpus.csv").write_text("\n".join(rows) + "\n")
    told = ("--corpus", str(tmp_path / "corpus.csv"), "--out", str(tmp_path / "out"), "--device", "cpu", "--own-fakes")
    said = run("train", "visual", "--model", "lrnet", *told, "--epochs", "1", "--draws", "16", "--folds", "2")
    assert said.code == 0, said.err
    card = tmp_path / "out/visual-lrnet.json"
    assert said.out.strip() == str(card)
    model = load(card.with_suffix(".onnx"), card)
    assert model.card["training"]["others"] is False
    whole = Item(**_about(tmp_path / "film-0.mp4"))
    right = series_of_film(replace(whole, region=(0.5, 0.0, 1.0, 1.0)))
    assert right.shape == (64, 68, 2)
    assert len(series_of_film(replace(whole, region=(0.0, 0.0, 0.4, 1.0)))) == 0


def _about(path: Path) -> dict[str, Any]:
    return {
        "id": "0",
        "sha256": "0" * 64,
        "path": path,
        "kind": "video",
        "label": "bona fide",
        "maker": "",
        "group": "g",
        "licence": "made",
    }


def test_the_published_networks_run_on_request_alone_and_weigh_nothing(
    shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASSAY_WEIGHTS", str(shared / "weights"))
    assert "visual-lrnet" in ON_REQUEST
    assert "visual-lrnet" not in names()
    cue = LRNetDetector()
    points = np.zeros((130, 468, 3), np.float32)
    points[:, :, :2] = np.random.default_rng(3).uniform(100, 200, (1, 468, 2))
    points[:, 454, 0] = points[:, 234, 0] + 100.0
    answer = cue.ask(Seen(followed=_followed(points, 25.0)))
    assert not isinstance(answer, Untold)
    assert "over 2 windows of 60 frames" in answer.note
    figures = answer.figures
    assert set(figures) == {"g1", "g2", "both"}
    assert figures["both"] == pytest.approx((figures["g1"] + figures["g2"]) / 2)
    assert all(0.0 <= value <= 1.0 for value in figures.values())
    for face, why in (
        (_followed(points[:40], 25.0), "needs 1.9 s"),
        (_followed(points, 12.0), "needs 20 frames a second"),
        (_followed(points[:50], 25.0), "needs 60 frames"),
        (_followed(points * np.float32(0.2), 25.0), "needs a face"),
    ):
        silent = cue.ask(Seen(followed=face))
        assert isinstance(silent, Untold)
        assert why in silent.why
    picture = View.of(Still(pixels=np.zeros((64, 64, 3), np.uint8)))
    assert isinstance(cue.examine(Evidence(view=picture, verification=None)), Skipped)


def test_a_real_film_is_told_about_without_a_verdict(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSAY_WEIGHTS", str(shared / "weights"))
    found = LRNetDetector().examine(Evidence(view=View.open(shared / "media/demo/clip-1.mpg"), verification=None))
    if isinstance(found, Skipped):
        assert "frames" in found.why or "needs" in found.why
        return
    (finding,) = found
    assert isinstance(finding, Finding)
    assert (finding.llr, finding.weighs) == (0.0, False)
