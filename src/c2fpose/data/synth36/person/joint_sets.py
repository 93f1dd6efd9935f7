"""Which joints of the body a data set can have: ``skeleton=`` of ``python -m c2fpose.data.synth36``.

``joints13`` and ``joints15`` are sets that people label by hand, ``joints25`` has hands, feet and eyes too. Order and
place of the root differ on purpose: nothing may count on the pelvis being the first joint.
"""

from c2fpose.pose.skeleton import C2F17, Skeleton


def _both(*names: str) -> list[str]:
    """Both sides of some joints, right first."""
    return [f"{side}_{name}" for side in ("right", "left") for name in names]


_LIMBS = ("shoulder", "elbow", "wrist")
JOINTS13 = C2F17.subset(["head", *_both(*_LIMBS), *_both("knee", "ankle"), "thorax", "pelvis"])
JOINTS15 = C2F17.subset(["head", "thorax", *_both(*_LIMBS), "pelvis", *_both("hip", "knee", "ankle")])
_MORE = {"eye": "nose", "hand": "wrist", "heel": "ankle", "toe": "ankle"}  # each with the joint that it hangs on
_BODY = C2F17.to_dict()
JOINTS25 = Skeleton.of(
    [*_BODY["joints"], *_both(*_MORE)],
    _BODY["parents"]
    | {
        f"{side}_{name}": above if above in _BODY["joints"] else f"{side}_{above}"
        for name, above in _MORE.items()
        for side in ("left", "right")
    },
    [*_BODY["mirror"], *([f"left_{name}", f"right_{name}"] for name in _MORE)],
)
JOINT_SETS = {"c2f17": C2F17, "joints13": JOINTS13, "joints15": JOINTS15, "joints25": JOINTS25}
