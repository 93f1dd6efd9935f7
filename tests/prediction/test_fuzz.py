"""Damaged pictures, videos, tables of boxes and exported networks: read, or refused in one line."""

import cv2
import numpy as np
import pytest
from PIL import Image
from torch import zeros
from torture import fuzz
from toy_networks import VOLUME, trained

from c2fpose.prediction.boxes import read_boxes
from c2fpose.prediction.engines import header, load_predictor, to_onnx
from c2fpose.prediction.finder.network import Finder
from c2fpose.prediction.finder.weights import read_finder, save_finder
from c2fpose.prediction.focal import read_exif
from c2fpose.prediction.photo import read_photo
from c2fpose.prediction.video import Video

pytestmark = [pytest.mark.torture, pytest.mark.filterwarnings("ignore")]
BOXES = {
    "coco.json": '[{"image_id": 12, "category_id": 1, "bbox": [100.0, 50.0, 60.0, 200.0], "score": 0.9}]',
    "instances.json": '{"images": [{"id": 7, "file_name": "val/photo 12.jpg"}], "categories": [{"id": 3, "name": '
    '"person"}], "annotations": [{"image_id": 7, "category_id": 3, "bbox": [100, 50, 60, 200], "iscrowd": 0}]}',
    "photo 12.txt": "0 0.2 0.3 0.1 0.4 0.83\n16 0.5 0.5 0.1 0.1 0.5\n",
    "det.txt": "12,-1,100,50,60,200,0.9,-1,-1,-1\n13,-1,100,50,60,200,0.9,-1,-1,-1\n",
    "a.csv": "image,x,y,w,h,score\nphoto 12.jpg,100,50,60,200,0.7\n",
}

FOUND = (254, 1272, 1426, 1692, 2903)  # of tables of boxes: frames, classes and ids that are no finite numbers


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.webp", "a.bmp", "a.tif"])
def test_pictures(tmp_path, name):
    y, x = np.mgrid[:24, :32]
    exif = Image.Exif()
    exif.get_ifd(0x8769).update({0x920A: 35.0, 0xA405: 50})
    exif[0x0112] = 6
    Image.fromarray(np.stack([x, y, x + y], -1).astype(np.uint8)).save(tmp_path / name, exif=exif)

    def read() -> None:
        read_exif(tmp_path / name)
        read_photo(tmp_path / name)

    # 3542 makes 2,752,516 pixels in a row of it
    assert fuzz(tmp_path / name, read, name, found=(3542,) if name == "a.tif" else ())


@pytest.mark.parametrize(("name", "code"), [("a.avi", "MJPG"), ("a.mp4", "mp4v")])
def test_videos(tmp_path, name, code):
    y, x = np.mgrid[:48, :64]
    writer = cv2.VideoWriter(str(tmp_path / name), cv2.VideoWriter_fourcc(*code), 10, (64, 48))
    for number in range(4):
        writer.write(np.roll(np.stack([x, y, x + y], -1), number, 1).astype(np.uint8))
    writer.release()
    fuzz(tmp_path / name, lambda: list(Video(tmp_path / name, 1).frames()), name)


@pytest.mark.parametrize("name", BOXES)
def test_tables_of_boxes(tmp_path, name):
    (tmp_path / name).write_text(BOXES[name])
    assert fuzz(
        tmp_path / name, lambda: read_boxes(tmp_path / name).of_image(tmp_path / "photo 12.jpg"), name, found=FOUND
    )


def test_what_an_exported_network_says_of_itself(tmp_path):
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    module, path = trained(VOLUME), tmp_path / "net.onnx"
    said = header(module, {})
    network = onnx.load_from_string(to_onnx(module, said))

    def write(metadata: bytes) -> None:
        del network.metadata_props[:]
        onnx.helper.set_model_props(network, {"c2fpose": metadata.decode(errors="replace")})
        path.write_bytes(network.SerializeToString())

    def read() -> None:
        load_predictor(path, precision="32-true").predict_points(zeros(1, 3, 64, 64).byte())

    path.write_text(said)
    assert fuzz(path, read, path.name, write=write)


@pytest.mark.parametrize("part", ["all", "header"])
def test_finders(tmp_path, part):
    path = tmp_path / "finder.safetensors"
    save_finder(path, Finder(), {"size": 128, "least_score": 0.3, "recipe": {"steps": 1}})
    whole = path.read_bytes()
    size = int.from_bytes(whole[:8], "little") if part == "header" else 0
    path.write_bytes(whole[8 : 8 + size] if size else whole)

    def write(content: bytes) -> None:
        header = len(content).to_bytes(8, "little") + content + whole[8 + size :]
        path.write_bytes(header if size else content)

    assert fuzz(path, lambda: read_finder(path), path.name, write=write)
