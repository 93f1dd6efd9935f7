"""``python -m c2fpose.predict`` itself: its help, what it loads, how it reads the network."""

import json
import subprocess
import sys

from PIL import Image

from c2fpose.config.prediction import PredictSettings
from c2fpose.predict import main
from c2fpose.prediction.run import PredictJob


def test_help_explains_every_key_without_heavy_imports():
    """In a process of its own, where importing torch, matplotlib or OpenCV would fail."""
    code = (
        "import sys\n"
        "for name in ('torch', 'matplotlib', 'cv2', 'PIL', 'pytorch_lightning'): sys.modules[name] = None\n"
        "from c2fpose.predict import main\n"
        "main(['--help'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for key in PredictSettings.model_fields:
        assert f"\n{key}: " in done.stdout


def test_predicting_loads_nothing_of_training():
    """Lightning and the renderer take longer to import than all that predicting needs beside PyTorch."""
    heavy = {"pytorch_lightning", "torchmetrics", "numba", "matplotlib", "scipy.signal", "scipy.stats",
             "scipy.optimize"}  # fmt: skip
    code = (
        "import sys, c2fpose.prediction.run as run\n"
        "run.load_predictor('builtin'), run.load_finder()\n"
        f"print(sorted({heavy!r} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr


def test_a_command_reads_the_network_as_it_is_asked_to():
    def decoding(**asked):
        return PredictJob(PredictSettings(input=("a.jpg",), **asked)).predictor.config.decoding

    assert (decoding().power, decoding().flip) == (4.0, True)  # the package's own, in pictures
    assert (decoding(power=3, flip=False).power, decoding(power=3, flip=False).flip) == (3.0, False)


def test_of_an_animation_the_first_picture_is_taken_and_that_is_said(tmp_path, capsys):
    first, *others = (Image.new("RGB", (40, 30), (shade, 90, 60)) for shade in (10, 120, 230))
    first.save(tmp_path / "moves.gif", save_all=True, append_images=others)
    main([str(tmp_path / "moves.gif"), "person=whole", "sizes=[1]", "shift=0", "flip=false", "formats=[json]"])
    said = json.loads((tmp_path / "moves_pose.json").read_text())
    words = "the first of 3 pictures in the file; save it as a video to have all"
    assert words in said["notes"] and f"moves.gif: {words}\n" in capsys.readouterr().err
