"""The drawing of a skeleton takes no file's place unasked."""

import pytest
from PIL import Image

from c2fpose.data.skeleton import main
from c2fpose.pose.skeleton import C2F17


def test_a_picture_of_that_name_stays_without_overwrite(tmp_path, capsys):
    C2F17.to_file(tmp_path / "dog.yaml")
    before = (tmp_path / "dog.yaml").read_bytes()
    Image.new("RGB", (40, 30)).save(tmp_path / "dog.png")
    for words in ([], [f"out={tmp_path / 'dog.yaml'}"], [f"out={tmp_path / 'dog.yaml'}", "overwrite=true"]):
        with pytest.raises(SystemExit, match="2"):
            main([str(tmp_path / "dog.yaml"), *words])
        said = capsys.readouterr().err
        assert said.startswith("error: ") and said.count("\n") == 1
    with Image.open(tmp_path / "dog.png") as kept:
        assert kept.size == (40, 30) and (tmp_path / "dog.yaml").read_bytes() == before
    main([str(tmp_path / "dog.yaml"), "overwrite=true"])
    with Image.open(tmp_path / "dog.png") as drawn:
        assert drawn.width > 300
    assert "17 joints, root pelvis" in capsys.readouterr().out
