"""Made-up data of any joints, and one way through the package with it, at toy size: from a file to a prediction."""

import csv
import json
from pathlib import Path

import numpy as np
from fabricated import INTRINSICS_PX, jpeg
from hydra import compose, initialize_config_dir
from PIL import Image

from c2fpose import predict
from c2fpose.config.command_line import conf_dir
from c2fpose.config.run import TrainSettings, train_settings
from c2fpose.data.schema import write_split
from c2fpose.evaluation.scores import Evaluation
from c2fpose.model.checkpoints.load import load_module
from c2fpose.pose.box import person_box
from c2fpose.pose.camera import project
from c2fpose.pose.skeleton import Skeleton
from c2fpose.pose.space import PoseSpace
from c2fpose.training.run import run

# A dog in millimetres: x to its left, y down, z to its snout. The root stands in the middle of the list.
DOG = Skeleton.of(
    ["snout", "left_ear", "right_ear", "neck", "withers", "left elbow", "left_paw", "right elbow", "right_paw",
     "tail_root", "tail_tip", "left_hock", "left_foot", "right_hock", "right_foot"],
    {"snout": "neck", "left_ear": "neck", "right_ear": "neck", "neck": "withers", "left elbow": "withers",
     "left_paw": "left elbow", "right elbow": "withers", "right_paw": "right elbow", "tail_root": "withers",
     "tail_tip": "tail_root", "left_hock": "tail_root", "left_foot": "left_hock", "right_hock": "tail_root",
     "right_foot": "right_hock"},
    [("left_ear", "right_ear"), ("left elbow", "right elbow"), ("left_paw", "right_paw"), ("left_hock", "right_hock"),
     ("left_foot", "right_foot")],
)  # fmt: skip
DOG_SPACE = PoseSpace(DOG, (-700.0, 600.0), (200.0,) * len(DOG.limbs))
_DOG_MM = np.array([
    [0, -80, 480], [40, -170, 380], [-40, -170, 380], [0, -60, 320], [0, 0, 200], [70, 150, 200], [70, 350, 210],
    [-70, 150, 200], [-70, 350, 210], [0, 0, -250], [0, -150, -430], [70, 170, -260], [70, 350, -250],
    [-70, 170, -260], [-70, 350, -250],
], float)  # fmt: skip
ACTIONS_OF_DOGS = ("Standing", "Begging")

TINY = [
    "model.network.width=8", "model.network.levels=1", "model.network.depths=[1,16]", "model.network.depth_bins=16",
    "data.batch_size=4", "data.eval_batch_size=4", "trainer.validate_every=4", "trainer.max_steps=4",
    "trainer.precision=32-true", "trainer.accelerator=cpu", "trainer.devices=1", "trainer.progress=false",
    "data.validation_every=2", "logger=none", "pictures=1",
]  # fmt: skip


def write_dogs(folder: Path, records: int = 24) -> list[str]:
    """Dogs that turn about, in two files; returns the keys that name them."""
    for split, seed in (("train", 0), ("test", 1)):
        random = np.random.default_rng(seed)
        turns = random.uniform(0, 2 * np.pi, records)
        c, s, zero, one = np.cos(turns), np.sin(turns), np.zeros(records), np.ones(records)
        rotation = np.stack([c, zero, s, zero, one, zero, -s, zero, c], -1).reshape(-1, 3, 3)
        joints = (_DOG_MM + random.normal(0, 10, (records, *_DOG_MM.shape))) @ rotation.swapaxes(1, 2) + [0, 0, 2500]
        joints_px = project(joints, INTRINSICS_PX)
        center, scale = person_box(joints_px)
        number, side = np.arange(records), 1.2 * 200 * scale
        rows = {
            "joints_cam_mm": joints, "joints_px": joints_px, "center_px": center, "scale": scale,
            "intrinsics_px": np.tile(INTRINSICS_PX, (records, 1)), "stored_left_top_px": center - side[:, None] / 2,
            "stored_step_px": side / 64, "subject": 1 + number % 3, "action": number % 2, "trial": 1 + number % 4,
            "camera": number % 2, "frame": 1 + number,
        }  # fmt: skip
        about = {"actions": ACTIONS_OF_DOGS, "subjects": {1: "Rex", 2: "Bello", 3: "Lassie"}}
        images = (jpeg(number, 64) for number in range(records))
        write_split(
            folder / f"{split}.h5", rows, images, dataset="dogs", split=split, provenance=about, skeleton=DOG
        )  # fmt: skip
    everything = [f"data.{key}=null" for key in ("train_subjects", "test_subjects", "actions", "cameras")]
    return [f"data.{split}_file={folder / split}.h5" for split in ("train", "test")] + everything


def settings_for(overrides: list[str], run_dir: Path) -> TrainSettings:
    """Compose and check a training's configuration."""
    with initialize_config_dir(conf_dir(), version_base="1.3"):
        return train_settings(compose("train", overrides=[*overrides, f"run_dir={run_dir}"]))


def through(files: list[str], skeleton: Skeleton, folder: Path, *more: str) -> Path:
    """Train, evaluate and predict with a file's joints, and check that each step has them; returns the checkpoint."""
    folder.mkdir(exist_ok=True)
    run(settings_for([*TINY, *files, *more], folder), folder)
    checkpoint = folder / "checkpoints" / "final.ckpt"
    module = load_module(checkpoint)
    assert module.config.pose_space.skeleton == skeleton and module.config.network.joints == skeleton.joints
    assert Evaluation.read(folder / "evaluation").joints == skeleton.names
    assert len(module.hparams["mean_training_pose_mm"]) == skeleton.joints
    predicted(checkpoint, skeleton, folder)
    return checkpoint


def predicted(checkpoint: Path, skeleton: Skeleton, folder: Path) -> None:
    """Predict one picture in every format that needs no video, and read the joints back."""
    y, x = np.mgrid[:120, :160]
    Image.fromarray(np.stack([x, y, x + y], -1).astype(np.uint8)).save(folder / "photo.jpg")
    formats = "formats=[json,npz,csv,figure,bvh,html]"
    predict.main([str(folder / "photo.jpg"), f"ckpt={checkpoint}", "box=20,10,100", f"out={folder}", formats])
    said = json.loads((folder / "photo_pose.json").read_text())
    assert said["joint_names"] == list(skeleton.names)
    assert said["edges"] == [list(limb) for limb in skeleton.limbs]
    pose = np.array(said["frames"][0]["people"][0]["joints_cam_mm"])
    assert pose.shape == (skeleton.joints, 3)
    stored = np.load(folder / "photo_pose.npz")
    assert stored["joint_names"].tolist() == list(skeleton.names)
    np.testing.assert_allclose(stored["joints_cam_mm"][0], pose, atol=0.01)
    with open(folder / "photo_pose.csv", newline="") as file:
        assert [row["joint"] for row in csv.DictReader(file)] == list(skeleton.names)
    motion = (folder / "photo_pose.bvh").read_text()
    assert all("_".join(name.split()) in motion for name in skeleton.names)
    assert all(name.split("_")[0] in (folder / "photo_pose.html").read_text() for name in skeleton.names)
