"""InceptionResnetV1, the network of face recognition, taught to tell fakes."""

from __future__ import annotations

from torch import Tensor

from ....media.errors import MissingExtra
from .interface import HALF, Mapped


class InceptionResnet(Mapped):
    """facenet-pytorch's InceptionResnetV1 from random weights (its trained ones are fetched, never packaged)."""

    SIDE = 160
    COLOURS = HALF
    PAPER = "Schroff et al.: FaceNet: a unified embedding for face recognition and clustering, CVPR 2015"

    def __init__(self) -> None:
        """Make the network. Raises `MissingExtra` without facenet-pytorch."""
        try:
            from facenet_pytorch import InceptionResnetV1
        except ImportError as error:
            feature = "InceptionResnetV1 (facenet-pytorch)"
            raise MissingExtra(feature, "mtcnn") from error
        super().__init__(1792)
        self.body = InceptionResnetV1(pretrained=None, classify=False)
        for unused in ("dropout", "last_linear", "last_bn", "logits", "avgpool_1a"):
            if hasattr(self.body, unused):
                delattr(self.body, unused)

    def maps(self, crops: Tensor) -> Tensor:
        """Return the maps of the last block."""
        maps = crops
        for layer in self.body.children():
            maps = layer(maps)
        return maps
