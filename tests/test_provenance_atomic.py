"""Files that appear whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest
from assay.media.errors import InputError
from assay.provenance.atomic import settle, temporary


@pytest.mark.parametrize("secret", [True, False])
def test_a_secret_file_is_its_owners_alone_before_and_after_it_has_its_name(secret: bool, tmp_path: Path) -> None:
    (tmp_path / "plain").touch()
    wanted = 0o600 if secret else (tmp_path / "plain").stat().st_mode & 0o777
    place = tmp_path / "file.pem"
    with temporary(place, secret=secret) as file:
        file.write(b"words")
        assert Path(file.name).stat().st_mode & 0o777 == wanted
        settle(file, place)
    assert place.stat().st_mode & 0o777 == wanted
    assert place.read_bytes() == b"words"


def test_what_fails_half_way_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(TypeError), temporary(tmp_path / "file") as file:
        file.writelines([b"half", None])  # type: ignore[list-item]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("place", [".", "..", "folder"])
def test_a_folder_in_place_of_a_file_is_an_error_of_ours(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "inside" / "folder").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "inside")
    with pytest.raises(InputError, match="expected to write"), temporary(Path(place)) as file:
        settle(file, Path(place))
    assert [path.name for path in (tmp_path / "inside").iterdir()] == ["folder"]
