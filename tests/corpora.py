"""Tiny trees of the published layouts: names and protocol lines as the releases have them, sound and pictures made."""

from __future__ import annotations

import json
import struct
from pathlib import Path

WAV = (b"RIFF" + struct.pack("<I", 36 + 320) + b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 1, 16000, 32000, 2, 16)) + (
    b"data" + struct.pack("<I", 320) + bytes(320)
)
FLAC = b"fLaC\x80\x00\x00\x22" + bytes(10) + ((16000 << 44) | (15 << 36) | 8000).to_bytes(8, "big") + bytes(16)
PNG = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + b"IHDR" + struct.pack(">IIBBBBB", 64, 48, 8, 2, 0, 0, 0)
_MVHD = struct.pack(">I4sIIIII", 108, b"mvhd", 0, 0, 0, 1000, 2000) + bytes(80)
_TKHD = struct.pack(">I4s", 92, b"tkhd") + bytes(76) + struct.pack(">II", 320 << 16, 240 << 16)
_TRAK = struct.pack(">I4s", 8 + len(_TKHD), b"trak") + _TKHD
MP4 = (
    struct.pack(">I4s4sI4s", 20, b"ftyp", b"isom", 512, b"isom")
    + struct.pack(">I4s", 8 + len(_MVHD) + len(_TRAK), b"moov")
    + _MVHD
    + _TRAK
)
MEDIA = {".wav": WAV, ".flac": FLAC, ".png": PNG, ".mp4": MP4, ".mp3": b"\xff\xfb\x90\xc4" + bytes(413)}


def plant(root: Path, files: list[str], texts: dict[str, object] | None = None) -> Path:
    """Write media of a header each at `files`, and `texts` (a str, lines, or what becomes JSON) at their paths."""
    for name in files:
        place = root / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(MEDIA[place.suffix] + name.encode())
    for name, content in (texts or {}).items():
        place = root / name
        place.parent.mkdir(parents=True, exist_ok=True)
        lines = isinstance(content, list) and name.endswith((".txt", ".tsv", ".csv", ".TXT"))
        text = content if isinstance(content, str) else "\n".join(content) + "\n" if lines else json.dumps(content)  # type: ignore[arg-type]
        place.write_text(text)
    return root


def corpus(name: str, root: Path) -> Path:
    """Write the tree of the layout called `name` and return its root."""
    return plant(root, *TREES[name])


_FF = "manipulated_sequences"
_SPLITS = {"train.json": [["000", "003"]], "val.json": [["001", "002"]], "test.json": [["004", "005"]]}
_CDF = [
    "Celeb-real/id0_0000.mp4",
    "Celeb-real/id1_0000.mp4",
    "YouTube-real/00170.mp4",
    "Celeb-synthesis/id0_id1_0000.mp4",
]
_CDF_LIST = ["1 YouTube-real/00170.mp4", "0 Celeb-synthesis/id0_id1_0000.mp4", "1 Celeb-real/id9_0000.mp4"]
_AVC = "source,target1,target2,method,category,type,race,gender,path,"
_A5 = "T_4850 T_0000000000 F - - - AC1 A05 spoof -"

TREES: dict[str, tuple[list[str], dict[str, object]]] = {
    "faceforensics": (
        [
            "original_sequences/youtube/c23/videos/000.mp4",
            "original_sequences/youtube/c23/videos/003.mp4",
            "original_sequences/youtube/raw/videos/004.mp4",
            "original_sequences/actors/c23/videos/01__exit_phone_room.mp4",
            f"{_FF}/Deepfakes/c23/videos/000_003.mp4",
            f"{_FF}/Deepfakes/masks/videos/000_003.mp4",
            f"{_FF}/Face2Face/c40/images/003_000/0000.png",
            f"{_FF}/Face2Face/c40/images/003_000/0001.png",
            f"{_FF}/DeepFakeDetection/c23/videos/01_02__exit_phone_room__YVGY8LOK.mp4",
        ],
        {f"splits/{name}": pairs for name, pairs in _SPLITS.items()},
    ),
    "deepfakedetection": (
        [
            "original_sequences/actors/c23/videos/01__exit_phone_room.mp4",
            f"{_FF}/DeepFakeDetection/c23/videos/01_02__exit_phone_room__YVGY8LOK.mp4",
        ],
        {},
    ),
    "faceshifter": (
        ["original_sequences/youtube/c40/videos/000.mp4", f"{_FF}/FaceShifter/c40/videos/000_003.mp4"],
        dict(_SPLITS),
    ),
    "celeb-df-v2": (_CDF, {"List_of_testing_videos.txt": [*_CDF_LIST, *["1 YouTube-real/00170.mp4"] * 200]}),
    "celeb-df-v1": (_CDF, {"List_of_testing_videos.txt": _CDF_LIST}),
    "dfdc": (
        [f"dfdc_train_part_0/{name}.mp4" for name in ("aaa", "bbb", "zzz")] + ["test/ttt.mp4", "validation/vvv.mp4"],
        {
            "dfdc_train_part_0/metadata.json": {
                "aaa.mp4": {"label": "REAL", "split": "train"},
                "bbb.mp4": {"label": "FAKE", "split": "train", "original": "aaa.mp4"},
            },
            "test/metadata.json": {"ttt.mp4": {"is_fake": 1}},
            "validation/labels.csv": ["filename,label", "vvv.mp4,0"],
        },
    ),
    "dfdc-preview": (
        ["original_videos/643669/643669_A_001.mp4", "method_A/1224068/1224068_A_001.mp4"],
        {
            "dataset.json": {
                "original_videos/643669/643669_A_001.mp4": {"label": "real", "set": "test", "target_id": 643669},
                "method_A/1224068/1224068_A_001.mp4": {
                    "label": "fake",
                    "set": "train",
                    "target_id": 1224068,
                    "swapped_id": 643669,
                },
            }
        },
    ),
    "deeperforensics": (
        [
            "source_videos/M101/light_down/neutral/camera_front.mp4",
            "manipulated_videos/end_to_end/000_M101.mp4",
            "manipulated_videos/end_to_end_level_3/000_M101.mp4",
        ],
        {"lists/splits/train.txt": ["000_M101.mp4"], "lists/splits/test.txt": ["001_M102.mp4"]},
    ),
    "uadfv": (["real/0000.mp4", "real/0001.mp4", "fake/0000_fake.mp4"], {}),
    "wilddeepfake": (
        ["real_train/1/real/101/12.png", "fake_test/7/fake/3/4.png"],
        {"fake_test/8.tar.gz": "packed"},
    ),
    "df40": (
        [
            "DF40_train/simswap/frames/000_003/000.png",
            "DF40/blendface/cdf/frames/id0_id1_0000/012.png",
            "DF40/MidJourney/real/0001.png",
            "DF40/MidJourney/fake/f_1.png",
            "DF40/simswap/ff/masks/000_003/000.png",
            "DF40/unheard/ff/frames/000_003/000.png",
        ],
        {},
    ),
    "fakeavceleb": (
        [
            "RealVideo-RealAudio/African/men/id00076/00109.mp4",
            "FakeVideo-FakeAudio/African/men/id00076/00109_2_id00701_wavtolip.mp4",
            "FakeVideo-FakeAudio/African/men/id00076/unlisted.mp4",
        ],
        {
            "meta_data.csv": [
                _AVC,
                "id00076,-,-,real,A,RealVideo-RealAudio,African,men,00109.mp4,"
                "FakeAVCeleb/RealVideo-RealAudio/African/men/id00076",
                "id00076,id00701,-,wav2lip,D,FakeVideo-FakeAudio,African,men,00109_2_id00701_wavtolip.mp4,"
                "FakeAVCeleb/FakeVideo-FakeAudio/African/men/id00076",
            ]
        },
    ),
    "lav-df": (
        ["train/000000.mp4", "dev/000001.mp4"],
        {
            "metadata.min.json": [
                {"file": "train/000000.mp4", "original": None, "split": "train", "modify_video": False}
                | {"modify_audio": False, "n_fakes": 0, "fake_periods": [], "duration": 2.0},
                {"file": "dev/000001.mp4", "original": "train/000000.mp4", "split": "dev", "modify_video": True}
                | {"modify_audio": True, "n_fakes": 1, "fake_periods": [[0.5, 1.25]], "duration": 2.0},
            ]
        },
    ),
    "av-deepfake1m": (
        ["train/id00012/21Uxsk56VDQ/00001/real.mp4", "val/id00017/xyz/00002/fake_video_real_audio.mp4"],
        {
            "train_metadata.json": [
                {"file": "id00012/21Uxsk56VDQ/00001/real.mp4", "split": "train", "modify_type": "real"}
                | {"fake_segments": [], "audio_model": None}
            ],
            "val_metadata.json": [
                {
                    "file": "id00017/xyz/00002/fake_video_real_audio.mp4",
                    "split": "val",
                    "modify_type": "visual_modified",
                }
                | {"fake_segments": [[1.0, 1.4], [1.6, 1.9]], "audio_model": "vits"}
            ],
        },
    ),
    "asvspoof2019-la": (
        [f"ASVspoof2019_LA_train/flac/LA_T_{n}.flac" for n in (1138215, 1271820, 9999999)],
        {
            "ASVspoof2019_LA_cm_protocols/ASVspoof2019.LA.cm.train.trn.txt": [
                "LA_0079 LA_T_1138215 - - bonafide",
                "LA_0079 LA_T_1271820 - A01 spoof",
            ],
            "ASVspoof2019_LA_cm_protocols/ASVspoof2019.LA.cm.dev.trl.txt": ["LA_0069 LA_D_1047731 - - bonafide"],
        },
    ),
    "asvspoof2019-pa": (
        [f"ASVspoof2019_PA_train/flac/PA_T_000{n}.flac" for n in ("0001", "5401")],
        {
            "ASVspoof2019_PA_cm_protocols/ASVspoof2019.PA.cm.train.trn.txt": [
                "PA_0079 PA_T_0000001 aaa - bonafide",
                "PA_0079 PA_T_0005401 aab BC spoof",
            ]
        },
    ),
    "asvspoof2021-la": (
        ["ASVspoof2021_LA_eval/flac/LA_E_9332881.flac", "ASVspoof2021_LA_eval/flac/LA_E_5464494.flac"],
        {
            "keys/LA/CM/trial_metadata.txt": [
                "LA_0009 LA_E_9332881 alaw ita_tx A07 spoof notrim eval",
                "LA_0009 LA_E_5464494 none - bonafide bonafide notrim progress",
            ]
        },
    ),
    "asvspoof2021-df": (
        [
            "ASVspoof2021_DF_eval_part00/flac/DF_E_2000011.flac",
            "ASVspoof2021_DF_eval_part01/flac/DF_E_2000013.flac",
        ],
        {
            "keys/DF/CM/trial_metadata.txt": [
                "LA_0023 DF_E_2000011 nocodec asvspoof A14 spoof notrim progress traditional_vocoder - - - -",
                "TEF2 DF_E_2000013 low_m4a vcc2020 Task1-team20 spoof notrim eval neural_vocoder_nonautoregressive "
                "Task1 team20 FF E",
            ]
        },
    ),
    "asvspoof5": (
        ["flac_T/T_0000000000.flac", "flac_E_eval/E_0009538969.flac", "flac_D/D_0000000001.flac"],
        {
            "ASVspoof5.train.tsv": [_A5],
            "ASVspoof5.dev.track_1.tsv": ["D_0062 D_0000000001 F - - - - bonafide bonafide -"],
            "ASVspoof5.eval.track_1.tsv": ["E_1607 E_0009538969 M C08 4 E_0001 AC3 A30 spoof -"],
        },
    ),
    "wavefake": (
        [
            "LJSpeech-1.1/wavs/LJ001-0001.wav",
            "generated_audio/ljspeech_melgan/LJ001-0001_gen.wav",
            "generated_audio/jsut_parallel_wavegan/BASIC5000_0001_gen.wav",
            "generated_audio/common_voices_prompts_from_conformer_fastspeech2_pwg_ljspeech/gen_0.wav",
        ],
        {},
    ),
    "in-the-wild": (
        ["0.wav", "1.wav", "2.wav"],
        {"meta.csv": ["file,speaker,label", "0.wav,Alan Watts,spoof", "1.wav,Alan Watts,bona-fide"]},
    ),
    "add": (
        ["train/wav/ADD_T_00000000.wav", "train/wav/ADD_T_00000001.wav", "dev/wav/ADD2023_T2_D_00000000.wav"],
        {
            "train/label.txt": ["ADD_T_00000000.wav genuine", "ADD_T_00000001.wav fake"],
            "dev/label.txt": ["ADD2023_T2_D_00000000.wav 0.00-1.03-T/1.03-1.58-F/1.58-2.00-T 0"],
        },
    ),
    "partialspoof": (
        ["database/train/con_wav/CON_T_0000000.wav", "database/train/con_wav/LA_T_1138215.wav"],
        {
            "database/protocols/PartialSpoof_LA_cm_protocols/PartialSpoof.LA.cm.train.trl.txt": [
                "LA_0079 CON_T_0000000 - CON spoof",
                "LA_0079 LA_T_1138215 - - bonafide",
            ],
            "database/segment_labels/train_seglab_0.16.npy": "a pickle",
            "database/segment_labels/train.rttm": "SPEAKER CON_T_0000000 1 0.500 0.250 <NA> <NA> spoof <NA> <NA>\n",
        },
    ),
    "librispeech": (
        [
            "train-clean-100/103/1240/103-1240-0000.flac",
            "dev-clean/84/121123/84-121123-0000.flac",
            "dev-clean/77/1/77-1-0000.flac",
        ],
        {
            "SPEAKERS.TXT": [
                ";ID  |SEX| SUBSET           |MINUTES| NAME",
                "84   | F | dev-clean        |  8.02 | Christie Nowak",
                "103  | F | train-clean-100  | 25.11 | Karen Savage",
                "1034 | F | train-clean-100  | 25.11 | Kevin O'Coin",
            ]
        },
    ),
    "vctk": (
        ["wav48_silence_trimmed/p225/p225_001_mic1.flac", "wav48_silence_trimmed/s5/s5_001_mic1.flac"],
        {"speaker-info.txt": ["ID  AGE  GENDER  ACCENTS  REGION COMMENTS", "p225  23  F  English  Southern England"]},
    ),
    "common-voice": (
        [f"en/clips/common_voice_en_{n}.mp3" for n in (1, 2, 3, 4)],
        {
            "en/train.tsv": ["client_id\tpath\tsentence\tlocale", 'abc\tcommon_voice_en_1.mp3\tHe said "no.\ten'],
            "en/validated.tsv": [
                "client_id\tpath\tsentence\tlocale",
                'abc\tcommon_voice_en_1.mp3\tHe said "no.\ten',
                "def\tcommon_voice_en_2.mp3\tYes.\ten",
            ],
            "en/other.tsv": ["client_id\tpath\tsentence\tlocale", "ghi\tcommon_voice_en_3.mp3\tPerhaps.\ten"],
        },
    ),
}
"""Layout -> media files, protocol files."""
