import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from c2fpose.base.errors import DataError
from c2fpose.pose.skeleton import C2F17, EDGES, JOINTS, MIRROR, PARENTS, Skeleton, SkeletonError, left_is_left

DOG = {
    "joints": ["snout", "withers", "tail", "left_paw", "right_paw"],
    "parents": {"snout": "withers", "tail": "withers", "left_paw": "withers", "right_paw": "withers"},
    "mirror": [["left_paw", "right_paw"]],
    "root": "withers",
}


def test_the_papers_joints_are_what_their_names_say():
    again = Skeleton.from_dict(C2F17.to_dict())
    assert again == C2F17 and C2F17.names == JOINTS and C2F17.parents == PARENTS and C2F17.limbs == EDGES
    for joint, mirrored in enumerate(MIRROR):
        swapped = JOINTS[joint].translate({}).replace("left", "?").replace("right", "left").replace("?", "right")
        assert JOINTS[mirrored] == swapped
    assert {(PARENTS[child], child) for child in range(1, 17)} == set(EDGES)
    assert C2F17.label == "c2f17" and C2F17.sides[1] == "left" and C2F17.sides[4] == "right"


def test_files_hold_what_was_written(tmp_path):
    dog = Skeleton.from_dict(DOG)
    assert dog.root == 1 and dog.mirror == (0, 1, 2, 4, 3) and dog.label == "5 joints"
    for skeleton in (dog, C2F17):
        skeleton.to_file(tmp_path / "skeleton.yaml")
        assert Skeleton.from_file(tmp_path / "skeleton.yaml") == skeleton
        assert Skeleton.from_json(skeleton.to_json()) == skeleton


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"joints": ["snout"]}, "joints: 1 of them; expected 2 to 64"),
        ({"joints": [f"j{n}" for n in range(65)]}, "joints: 65 of them"),
        ({"joints": ["snout", "snout"]}, "snout stands there twice"),
        ({"joints": ["snout", 3]}, "3 is no name"),
        ({"joints": "snout"}, "joints: expected a list"),
        ({"parents": ["withers"]}, "parents: expected joint: parent"),
        ({"parents": {"snout": "wither"}}, "no joint is called 'wither'; one of snout, withers"),
        ({"parents": {"snout": "tail", "tail": "snout"}}, "is its own ancestor"),
        ({"parents": {"snout": "withers"}}, "parents: tail has none"),
        ({"parents": {"snout": ["withers"]}}, "no joint is called ['withers']"),
        ({"root": "tail"}, "root: tail has a parent, withers"),
        (
            {"parents": dict.fromkeys(("snout", "withers", "tail", "right_paw"), "left_paw"), "root": None},
            "root: left_paw has a mirror image; depths count from a joint in the middle, if need be from a further one "
            "halfway between left_paw and right_paw",
        ),
        ({"mirror": [["left_paw", "right_paw"], ["snout", "left_paw"]]}, "mirror: left_paw is in two pairs"),
        ({"mirror": [["left_paw"]]}, "mirror: ['left_paw'] is no pair"),
        ({"mirror": [["left_paw", "left_paw"]]}, "is no pair of two joints"),
        ({"limbs": [["snout", "ear"]]}, "limbs: no joint is called 'ear'"),
        ({"limbs": []}, "limbs: none"),
        ({"rooot": "withers"}, "rooot: no such key"),
    ],
)
def test_what_is_no_skeleton_is_refused_in_one_line(change, message):
    with pytest.raises(SkeletonError) as refused:
        Skeleton.from_dict(DOG | change, "a.yaml")
    assert str(refused.value).startswith("a.yaml: ") and message in str(refused.value)
    assert "\n" not in str(refused.value)


def test_files_that_are_none_are_refused(tmp_path):
    with pytest.raises(SkeletonError, match="no such file"):
        Skeleton.from_file(tmp_path / "none.yaml")
    (tmp_path / "a.yaml").write_text("joints: [a, b")
    with pytest.raises(DataError, match="not readable as YAML"):
        Skeleton.from_file(tmp_path / "a.yaml")
    for text in ("", "3", "[1, 2]", json.dumps({"joints": ["a", "b"]})):
        (tmp_path / "a.yaml").write_text(text)
        with pytest.raises(SkeletonError, match=r"a\.yaml: "):
            Skeleton.from_file(tmp_path / "a.yaml")


def test_a_subset_hangs_on_what_is_left():
    few = C2F17.subset(["head", "left_wrist", "pelvis", "right_wrist", "left_knee"])
    assert few.names[few.root] == "pelvis" and few.parents == (2, 2, -1, 2, 2) and few.mirror == (0, 3, 2, 1, 4)
    with pytest.raises(SkeletonError, match="parents: "):
        C2F17.subset(["head", "left_wrist"])  # nothing above both
    with pytest.raises(SkeletonError, match="no joint is called 'ear'"):
        C2F17.subset(["pelvis", "ear"])


def test_shoulders_and_hips_are_told_apart():
    """Of somebody who looks at the camera, in its frame: y is down."""
    joints = np.zeros((17, 3))
    for name, place in {
        "thorax": (0, -500, 0), "nose": (0, -600, -100), "left_shoulder": (150, -500, 0),
        "right_shoulder": (-150, -500, 0), "left_hip": (100, 0, 0), "right_hip": (-100, 0, 0),
    }.items():  # fmt: skip
        joints[JOINTS.index(name)] = place
    assert left_is_left(joints).tolist() == [True, True]
    hips = [JOINTS.index("left_hip"), JOINTS.index("right_hip")]
    joints[hips] = joints[hips[::-1]]
    assert left_is_left(joints).tolist() == [True, False]


@given(st.data())
def test_any_tree_is_read_back_and_mirrors_onto_itself(data):
    count = data.draw(st.integers(2, 64))
    names = [f"j{number}" for number in range(count)]
    parents = {names[child]: names[data.draw(st.integers(0, child - 1))] for child in range(1, count)}
    order = data.draw(st.permutations(names))
    paired = [name for name in order if name != "j0"]  # the root has no mirror image
    pairs = [paired[2 * number : 2 * number + 2] for number in range(data.draw(st.integers(0, (count - 1) // 2)))]
    skeleton = Skeleton.of(order, parents, pairs)
    assert skeleton.names[skeleton.root] == "j0" and Skeleton.from_json(skeleton.to_json()) == skeleton
    assert [skeleton.mirror[joint] for joint in skeleton.mirror] == list(range(count))
    poses = np.random.default_rng(0).normal(size=(2, count, 3))
    lengths = skeleton.limb_lengths_mm(poses)
    for number, (start, end) in enumerate(skeleton.limbs):
        np.testing.assert_allclose(lengths[:, number], np.linalg.norm(poses[:, start] - poses[:, end], axis=1))
