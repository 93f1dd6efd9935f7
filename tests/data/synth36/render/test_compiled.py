"""Where compiled code lies: nowhere that somebody else may have written to."""

import os
from pathlib import Path

import pytest

from c2fpose.data.synth36.render import compiled


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """The temporary folder of a user who may not write to the package's."""
    mkdir = Path.mkdir

    def refused(self, *args, **options):
        if "__pycache__" in self.parts:
            raise PermissionError
        mkdir(self, *args, **options)

    monkeypatch.setattr(Path, "mkdir", refused)
    monkeypatch.setattr(compiled.config, "CACHE_DIR", "")
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
    return tmp_path / f"c2fpose-numba-{os.getuid()}"


@pytest.mark.skipif(os.name != "posix", reason="other systems have other rights")
def test_the_temporary_folder_is_the_users_alone(temporary):
    folder = compiled.cache_folder.__wrapped__()
    assert folder.parent == temporary and temporary.stat().st_mode & 0o777 == 0o700
    assert compiled.cache_folder.__wrapped__() == folder
    temporary.chmod(0o777)
    with pytest.raises(OSError, match="no folder to keep compiled code in"):
        compiled.cache_folder.__wrapped__()


@pytest.mark.skipif(os.name != "posix", reason="other systems have other links")
def test_a_link_in_its_place_is_not_followed(temporary, tmp_path):
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    temporary.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="no folder to keep compiled code in"):
        compiled.cache_folder.__wrapped__()
