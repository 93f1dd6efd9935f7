"""What the descriptions of the six sources leave open: each variant gives the records of the usual form."""

import json
import pickle
import re
import shutil
from pathlib import Path

import fabricate_human36m as fabricate
import h5py
import numpy as np
import pytest
from scipy.io import loadmat, savemat

from c2fpose.base.errors import DataError
from c2fpose.data.human36m.sequences import bare_name, counted_from_one, parse_image_name
from c2fpose.data.schema import SplitReader

NPZ = "annotation_body3d/fps10/h36m_{}.npz"
JSON = "annotations/Human36M_subject9_{}.json"
VALID, NAMES, MAT = "annot/valid.h5", "annot/valid_images.txt", "annot/valid.mat"


def names_of(path: Path, change) -> None:
    """Change every line of the authors' list of images."""
    lines = (path / NAMES).read_text().split()
    (path / NAMES).write_text("\n".join(map(change, lines)) + "\n")


def h5(path: Path, **changes) -> None:
    with h5py.File(path, "r+") as file:
        for name, change in changes.items():
            key = name.replace("__", "/")
            value = change(file[key][()])
            del file[key]
            file[key] = value


def without(path: Path, *names: str) -> None:
    with h5py.File(path, "r+") as file:
        for name in names:
            del file[name]


def mat(path: Path, *, shuffled: bool = False, bare: bool = False, form: str = "cells") -> None:
    """Write ``valid.mat`` in another form, and leave the poses to it as in the authors' sample."""
    without(path / VALID, "S", "part", "zind")
    annot = loadmat(path / MAT, squeeze_me=True, struct_as_record=False)["annot"]
    names, poses, k = list(annot.imgname), np.array(annot.S), list(annot.K)
    if shuffled:
        order = np.random.default_rng(0).permutation(len(names))
        names, poses, k = [names[i] for i in order], poses[order], [k[i] for i in order]
    names = [f"images/{bare_name(name)}" for name in names] if bare else names
    cells, matrices = np.empty(len(names), object), np.empty(len(names), object)
    cells[:], matrices[:] = names, k
    fields = {"imgname": cells, "S": poses, "K": matrices}
    if form == "characters":
        fields["imgname"] = np.array(names)  # a matrix of characters, padded with blanks
    elif form == "arrays":
        fields |= {"S": poses.transpose(0, 2, 1), "K": np.array(k)}
    elif form == "last":
        fields["K"] = np.array(k).transpose(1, 2, 0)
    elif form == "structs":
        records = np.empty(len(names), [(name, object) for name in fields])
        for i in range(len(names)):
            records[i] = (names[i], poses[i], k[i])
        fields = records
    savemat(path / MAT, {"annot": fields}, do_compression=form == "arrays")


def in_folders(path: Path) -> None:
    for file in list((path / "images").glob("*.jpg")):
        (path / "images" / file.name[:2]).mkdir(exist_ok=True)
        file.rename(path / "images" / file.name[:2] / file.name)
    names_of(path, lambda name: f"{name[:2]}/{name}")


def other_ending(path: Path, ending: str) -> None:
    for file in list((path / "images").rglob("*.jpg")):
        file.rename(file.with_suffix(ending))


def from_zero(name: str) -> str:
    return re.sub(r"_(\d{6})", lambda match: f"_{int(match[1]) - 1:06d}", name)


def npz(path: Path, change, keep=None) -> None:
    for split in ("train", "test"):
        file = path / NPZ.format(split)
        table = change(dict(np.load(file)))
        np.savez(file, **{name: value for name, value in table.items() if keep is None or name in keep})


def edit_json(path: Path, kind: str, change) -> None:
    file = path / JSON.format(kind)
    content = json.loads(file.read_text())
    file.write_text(json.dumps(change(content) or content))


def later_version(data) -> None:
    for image in data["images"]:
        image["frame_idx"] += 1
        image |= {key: str(image[key]) for key in ("subject", "action_idx", "subaction_idx", "cam_idx")}


def joints_from_one(joints):
    return {a: {s: {str(int(f) + 1): p for f, p in frames.items()} for s, frames in trials.items()}
            for a, trials in joints.items()}  # fmt: skip


def with_thorax(joints):
    return {a: {s: {f: [*p, p[0]] for f, p in frames.items()} for s, frames in trials.items()}
            for a, trials in joints.items()}  # fmt: skip


def columns(cameras) -> None:
    for camera in cameras.values():
        camera |= {key: [[value] for value in camera[key]] for key in "tfc"}


def renamed(path: Path, pattern: str, change) -> None:
    for file in sorted(path.rglob(pattern), key=lambda file: -len(file.parts)):
        file.rename(file.with_name(change(file.name)))


def positions(path: Path, change) -> None:
    table = np.load(path / "data_3d_h36m.npz", allow_pickle=True)["positions_3d"].item()
    np.savez(path / "data_3d_h36m.npz", positions_3d=change(table))


def each_annot(path: Path, change) -> None:
    for file in path.rglob("annot.h5"):
        change(file)


def moved(path: Path, into: str) -> None:
    inside = list(path.iterdir())
    (path / into).mkdir()
    for file in inside:
        shutil.move(file, path / into / file.name)


def metadata(path: Path, change) -> None:
    (path / "metadata.xml").write_text(change((path / "metadata.xml").read_text()))


VARIANTS = {
    # endings, folders in names
    "list without endings": ("c2f", lambda p: names_of(p, bare_name)),
    "list with folders": ("c2f", lambda p: names_of(p, lambda name: f"images/{name}")),
    "list with other folders": ("c2f", lambda p: names_of(p, lambda name: f"/home/me/h36m/{name}")),
    "list with Windows' folders and ends": (
        "c2f",
        lambda p: (p / NAMES).write_text((p / NAMES).read_text().replace("S9", "images\\S9").replace("\n", "\r\n")),
    ),
    "images in folders": ("c2f", in_folders),
    "images named .JPG": ("c2f", lambda p: other_ending(p, ".JPG") or names_of(p, bare_name)),
    "images named .jpeg": ("c2f", lambda p: other_ending(p, ".jpeg") or names_of(p, bare_name)),
    "images named .JPG, the list with .jpg": ("c2f", lambda p: other_ending(p, ".JPG")),
    # the sample: order, MATLAB's forms, optional fields
    "sample, MAT without endings": ("c2f", lambda p: mat(p, bare=True)),
    "sample, MAT in another order": ("c2f", lambda p: mat(p, shuffled=True)),
    "sample, MAT of characters": ("c2f", lambda p: mat(p, form="characters")),
    "sample, MAT of arrays, compressed": ("c2f", lambda p: mat(p, form="arrays")),
    "sample, MAT with records last": ("c2f", lambda p: mat(p, form="last")),
    "sample, MAT of structs": ("c2f", lambda p: mat(p, form="structs", shuffled=True, bare=True)),
    "no depth labels": ("c2f", lambda p: without(p / VALID, "zind")),
    "no labels in the image": ("c2f", lambda p: without(p / VALID, "part", "zind")),
    "numbers in columns": ("c2f", lambda p: h5(p / VALID, scale=lambda v: v[:, None], zind=lambda v: v[..., None])),
    "single precision": ("c2f", lambda p: h5(p / VALID, S=np.float32, part=np.float32, zind=np.int32)),
    "frames from 0": (
        "c2f",
        lambda p: names_of(p, from_zero) or renamed(p / "images", "S9*", from_zero) or (p / MAT).unlink(),
    ),
    # mmpose
    "names without folders": (
        "mmpose",
        lambda p: (
            npz(p, lambda t: t | {"imgname": np.array([bare_name(n) + ".jpg" for n in t["imgname"]])})
            or [shutil.move(file, p / "images" / file.name) for file in list(p.rglob("*_*.jpg"))]
        ),
    ),
    "names with Windows' folders": (
        "mmpose",
        lambda p: npz(p, lambda t: t | {"imgname": np.char.replace(t["imgname"], "/", "\\")}),
    ),
    "names as bytes": ("mmpose", lambda p: npz(p, lambda t: t | {"imgname": np.char.encode(t["imgname"])})),
    "names with images/": ("mmpose", lambda p: npz(p, lambda t: t | {"imgname": np.char.add("images/", t["imgname"])})),
    "no visibility, no boxes": (
        "mmpose",
        lambda p: npz(p, lambda t: t | {"S": t["S"][..., :3], "part": t["part"][..., :2]}, ("imgname", "S", "part")),
    ),
    "no labels": ("mmpose", lambda p: npz(p, dict, ("imgname", "S"))),
    "another order": ("mmpose", lambda p: npz(p, lambda t: {name: value[::-1] for name, value in t.items()})),
    "no folder of the frame rate": ("mmpose", lambda p: [f.rename(f.parents[1] / f.name) for f in p.rglob("*.npz")]),
    # h36m_fetch
    "the folder above": ("h36m_fetch", lambda p: moved(p, "processed")),
    "no 2D labels, no intrinsics": (
        "h36m_fetch",
        lambda p: each_annot(p, lambda file: without(file, "pose/2d", "intrinsics")),
    ),
    "numbers as text": (
        "h36m_fetch",
        lambda p: each_annot(p, lambda file: h5(file, camera=lambda v: v.astype("S8"), subject=lambda v: v[:, None])),
    ),
    "fetch frames from 0": (
        "h36m_fetch",
        lambda p: each_annot(p, lambda file: h5(file, frame=lambda v: v - 1)) or renamed(p, "img_*", from_zero),
    ),
    # posenet_json
    "JSON frames from 1, numbers as text": (
        "posenet_json",
        lambda p: edit_json(p, "data", later_version) or edit_json(p, "joint_3d", joints_from_one),
    ),
    "JSON beside the images": (
        "posenet_json",
        lambda p: (
            [shutil.move(file, p / file.name) for file in (p / "annotations").iterdir()] and (p / "annotations").rmdir()
        ),
    ),
    "a thorax at the end": ("posenet_json", lambda p: edit_json(p, "joint_3d", with_thorax)),
    "columns": ("posenet_json", lambda p: edit_json(p, "camera", columns)),
    "JSON in another order": (
        "posenet_json",
        lambda p: edit_json(p, "data", lambda d: {key: value[::-1] for key, value in d.items()}),
    ),
    "images without their folder": (
        "posenet_json",
        lambda p: [shutil.move(file, p / "images" / file.name) for file in list(p.rglob("*_*.jpg"))],
    ),
    # raw
    "underscores": ("raw", lambda p: renamed(p, "* *.*", lambda name: name.replace(" ", "_"))),
    "what macOS notes beside each file": (
        "raw",
        lambda p: [
            file.with_name(f"._{file.name}").write_bytes(b"Mac OS X") for file in list(p.rglob("*.*")) if file.is_file()
        ],
    ),
    "underscores in poses alone": ("raw", lambda p: renamed(p, "* *.cdf", lambda name: name.replace(" ", "_"))),
    "capital endings": (
        "raw",
        lambda p: (
            renamed(p, "*.mp4", lambda n: n.replace("mp4", "MP4")) or renamed(p, "*.cdf", lambda n: n[:-3] + "CDF")
        ),
    ),
    "other folders": (
        "raw",
        lambda p: [
            shutil.move(folder, folder.parents[1] / f"Poses_{folder.name}") for folder in p.glob("S*/MyPoseFeatures/*")
        ],
    ),
    "w0 with commas": ("raw", lambda p: metadata(p, lambda text: re.sub(r"(?<=\d) (?=[-\d])", ",\n", text))),
    "w0 in exponents": (
        "raw",
        lambda p: metadata(
            p, lambda text: re.sub(r"(?<=[\[ ])-?\d+\.\d+(?=[ \]])", lambda m: f"{float(m[0]):.12E}", text)
        ),
    ),
    "no order of cameras": (
        "raw",
        lambda p: metadata(p, lambda text: re.sub("<dbcameras>.*</dbcameras>", "", text)),
    ),
    # videopose3d
    "subjects by number": ("videopose3d", lambda p: positions(p, lambda t: {int(s[1:]): v for s, v in t.items()})),
    "names with underscores": (
        "videopose3d",
        lambda p: positions(p, lambda t: {s: {n.replace(" ", "_"): v for n, v in ts.items()} for s, ts in t.items()}),
    ),
    "double precision": (
        "videopose3d",
        lambda p: positions(p, lambda t: {s: {n: v.astype(float) for n, v in ts.items()} for s, ts in t.items()}),
    ),
}


@pytest.fixture(scope="module")
def usual(sets, tmp_path_factory):
    """Annotations and images of each source as the descriptions have it, made once."""
    from c2fpose.base.console import PlainConsole
    from c2fpose.data.human36m import preparation as command
    from c2fpose.data.human36m.options import PrepareConfig

    made = {}

    def get(source: str) -> SplitReader:
        if source not in made:
            config = PrepareConfig(
                source=source, path=sets[source], out=tmp_path_factory.mktemp(source), metadata=sets["metadata"],
                subjects=(9,), actions=fabricate.ACTION_NAMES,
            )  # fmt: skip
            made[source] = SplitReader(command.prepare(config, PlainConsole(quiet=True))[0].path)
        return made[source]

    return get


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_variant_gives_the_usual_records(variant, usual, prepare, damaged):
    source, change = VARIANTS[variant]
    path = damaged(source)
    change(path)
    own = (path / "metadata.xml").exists()
    info = prepare(source, path, subjects=(9,), **({"metadata": path / "metadata.xml"} if own else {}))[0]
    found, expected = SplitReader(info.path), usual(source)
    assert len(found) == len(expected) == 40 or source == "videopose3d"
    for name, values in expected.annotations.items():
        np.testing.assert_allclose(found.annotations[name], values, rtol=1e-6, atol=2e-2, err_msg=name)
    if expected.info.images == "embedded":
        assert all((found.jpeg(i) == expected.jpeg(i)).all() for i in range(len(expected)))


@pytest.mark.parametrize("matlab", ["5", "7.3"])
def test_a_sample_of_one_frame_that_matlab_has_squeezed(matlab, prepare, people, tmp_path):
    take = people.of(9)[0]
    one = fabricate.People(
        people.cameras, [fabricate.Take(**{**vars(take), "px": take.px[:1], "images": take.images[:1]})]
    )
    path = fabricate.write_c2f(tmp_path / "one", one, full=False, matlab=matlab)
    with h5py.File(path / VALID, "r+") as file:
        center, scale = file["center"][0], file["scale"][0]
        del file["center"], file["scale"]
        file["center"], file["scale"] = center, scale
    if matlab == "5":
        annot = loadmat(path / MAT, squeeze_me=True, struct_as_record=False)["annot"]
        savemat(path / MAT, {"annot": {"imgname": annot.imgname, "S": annot.S, "K": annot.K}})
    info = prepare("c2f", path, subjects=(9,), complete=False)[0]
    reader = SplitReader(info.path)
    assert len(reader) == 1
    np.testing.assert_allclose(reader.annotations["joints_cam_mm"][0], take.cam_mm[0], atol=1e-3)
    assert reader.jpeg(0).tobytes() == take.images[0]


def test_one_frame_of_videopose3d(prepare, damaged):
    path = damaged("videopose3d")
    positions(path, lambda table: {"S9": {"SittingDown": table["S9"]["SittingDown"][0]}})
    info = prepare("videopose3d", path, subjects=(9,), complete=False)[0]
    assert info.records == 4


def test_another_set_of_images_than_the_list_is_refused(prepare, damaged):
    path = damaged("c2f")
    mat(path)
    names_of(path, lambda name: name.replace("Photo_1", "Photo"))
    with pytest.raises(DataError, match=r"valid\.mat: its images are not those of valid_images\.txt \(40 and 40\)"):
        prepare("c2f", path, subjects=(9,))


def test_names_and_frames():
    for name in (
        "S5_Eating_1.55011271_000321",
        "a/S5_Eating_1.55011271_000321.JPG",
        "c:\\d\\S5_Eating 1.55011271_000321.jpg",
    ):
        sequence, frame = parse_image_name(name, "list")
        assert (sequence.name, frame) == ("S5_Eating_1.55011271", 321)
    assert counted_from_one(np.array([1, 6, 11])).tolist() == [1, 6, 11]
    assert counted_from_one(np.array([0, 1, 2])).tolist() == [1, 2, 3]
    assert counted_from_one(np.array([5, 10, 15])).tolist() == [6, 11, 16]
    assert counted_from_one(np.array([5])).tolist() == [5]  # nothing tells


def test_cameras_of_mmpose_as_flat_lists(sets, prepare, tmp_path):
    usual = prepare("mmpose", subjects=(9,), metadata=None, out="usual")[0]
    cameras = pickle.loads((sets["mmpose"] / "annotation_body3d" / "cameras.pkl").read_bytes())
    flat = {
        key: {name: np.ravel(value).tolist() if name in "Tfckp" else value for name, value in camera.items()}
        for key, camera in cameras.items()
    }
    (tmp_path / "cameras.pkl").write_bytes(pickle.dumps(flat))
    assert prepare("mmpose", subjects=(9,), metadata=tmp_path / "cameras.pkl")[0].fingerprint == usual.fingerprint
