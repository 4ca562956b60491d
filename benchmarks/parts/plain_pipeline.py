"""A face detector as tutorials build it: frames, facenet-pytorch's MTCNN, timm's Xception, torch on the processor.

The Xception's weights are random: this says how long it takes, and nothing of how well it sees. Prints a line of JSON.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path


def frames_of(path: Path, count: int) -> list[object]:
    """Return `count` frames spread evenly over the film, as Pillow images: all are decoded, as a scan does."""
    import av

    with av.open(str(path)) as file:
        stream = file.streams.video[0]
        stream.thread_type = "AUTO"
        total = stream.frames
        wanted = {int((place + 0.5) * total / count) for place in range(count)}
        return [frame.to_image() for number, frame in enumerate(file.decode(stream)) if number in wanted]


def main() -> None:
    """Time the stages."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("film", type=Path)
    options.add_argument("--frames", type=int, default=32)
    given = options.parse_args()
    stages: dict[str, float] = {}
    marks = [time.perf_counter()]

    def stage(name: str) -> None:
        marks.append(time.perf_counter())
        stages[name] = marks[-1] - marks[-2]

    import timm
    import torch
    from facenet_pytorch import MTCNN

    stage("imports")
    finder = MTCNN(image_size=299, margin=40, post_process=True, device="cpu")
    network = timm.create_model("legacy_xception", pretrained=False, num_classes=2).eval()
    stage("models")
    frames = frames_of(given.film, given.frames)
    stage("decode")
    with torch.inference_mode():
        faces = [face for face in (finder(frame) for frame in frames) if face is not None]
        stage("faces")
        scores = torch.cat([network(face[None]).softmax(dim=1)[:, 1] for face in faces]) if faces else torch.zeros(0)
        score = float(scores.median()) if len(scores) else None
    stage("scores")
    told = f"{len(frames)} frames, {len(faces)} faces"
    print(json.dumps({"stages": stages, "looked": [told], "score": score}))


if __name__ == "__main__":
    main()
