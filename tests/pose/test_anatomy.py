"""Joints' names tell side, part and tree, in the spellings of common data sets."""

import pytest

from c2fpose.pose.anatomy import guessed, mirror_of, part_of
from c2fpose.pose.skeleton import C2F17, SkeletonError


@pytest.mark.parametrize(("name", "side", "part"), [
    ("left_knee", "left", "knee"), ("LeftKnee", "left", "knee"), ("knee_l", "left", "knee"), ("LKnee", "left", "knee"),
    ("lknee", "left", "knee"), ("r-wrist", "right", "wrist"), ("R_Wrist", "right", "wrist"),
    ("Hips", "middle", "pelvis"), ("lip", "middle", "lip"), ("root_of_tail", "middle", "pelvis"),
    ("right_big_toe", "right", "toe"), ("front_left_paw", "left", "frontpaw"), ("UpLeftLeg", "left", "upleg"),
    ("leftknee", "left", "knee"), ("ANKLERIGHT", "right", "ankle"), ("left", "middle", "left"),
])  # fmt: skip
def test_spellings(name, side, part):
    assert part_of(name) == (side, part)


@pytest.mark.parametrize(("names", "pairs"), [
    (["tail", "Lfin", "Rfin"], [("Lfin", "Rfin")]),
    (["rwhisker", "lwhisker", "rump", "lip"], [("lwhisker", "rwhisker")]),
    (["finr", "finl"], [("finl", "finr")]),
    (["front_left_paw", "front_right_paw", "back_left_paw", "back_right_paw"],
     [("front_left_paw", "front_right_paw"), ("back_left_paw", "back_right_paw")]),
    (["Lumbar", "Rib"], []),
])  # fmt: skip
def test_pairs_of_a_letter_are_told_by_each_other(names, pairs):
    assert mirror_of(names) == pairs


def test_the_papers_tree_is_told_by_its_names():
    skeleton, loose = guessed(C2F17.names)
    assert (skeleton.parents, skeleton.mirror, skeleton.root) == (C2F17.parents, C2F17.mirror, C2F17.root)
    assert loose == []


def test_the_order_of_names_does_not_matter():
    names = sorted(C2F17.names)
    skeleton, _ = guessed(names)
    for joint, name in enumerate(names):
        parent = C2F17.parents[C2F17.names.index(name)]
        assert names[skeleton.parents[joint]] == C2F17.names[parent] if parent >= 0 else skeleton.parents[joint] < 0


@pytest.mark.parametrize("names", [["pelvis", "head", "nose"], ["nose", "left_ear", "right_ear", "head", "hips"]])
def test_a_nose_and_a_head_without_a_neck_do_not_hang_on_each_other(names):
    skeleton, loose = guessed(names)
    above = {names[child]: names[parent] for child, parent in enumerate(skeleton.parents) if parent >= 0}
    assert (above["nose"], above["head"], loose) == ("head", names[skeleton.root], [])
    assert guessed(names[::-1])[0].to_dict()["parents"] == skeleton.to_dict()["parents"]


def test_unknown_joints_hang_on_the_root_and_are_named():
    skeleton, loose = guessed(["pelvis", "left_fin", "right_fin", "dorsal"])
    assert loose == ["left_fin", "right_fin", "dorsal"] and skeleton.parents == (-1, 0, 0, 0)
    assert mirror_of(skeleton.names) == [("left_fin", "right_fin")]


def test_limbs_that_hold_together_make_the_tree():
    skeleton, loose = guessed(["a", "b", "c"], limbs=[("c", "b"), ("a", "b")], root="b")
    assert skeleton.parents == (1, -1, 1) and loose == []
    assert skeleton.limbs == ((2, 1), (0, 1))


@pytest.mark.parametrize("limbs", [[], [("left_shoulder", "neck"), ("right_shoulder", "neck"), ("crown", "neck")]])
def test_the_root_is_a_joint_without_a_mirror_image(limbs):
    """Else depths of mirrored pictures would count from the joint on the other side."""
    skeleton, _ = guessed(["left_shoulder", "right_shoulder", "neck", "crown"], limbs=limbs)
    assert skeleton.names[skeleton.root] == "neck" and skeleton.mirror[skeleton.root] == skeleton.root
    with pytest.raises(SkeletonError, match="halfway between left_hip and right_hip"):
        guessed(["left_hip", "right_hip", "left_knee", "right_knee"])


def test_a_wrong_parent_is_refused():
    with pytest.raises(SkeletonError, match="no joint is called 'wing'"):
        guessed(["pelvis", "tail"], parents={"tail": "wing"})
