"""Whether the shapes in signatures are checked while tests run, in every module that has some."""

import importlib

import numpy as np
import pytest
from jaxtyping import TypeCheckError

WRONG_CALLS = {
    "c2fpose.evaluation.scores.mean_pose_mm": (np.zeros((5, 17, 2)),),
    "c2fpose.reports.statistics.value_at": (np.zeros(3), np.zeros(4), 1.0),
    "c2fpose.pictures.people.camera_view": (np.zeros((17, 2)), 0),
    "c2fpose.prediction.photo.whole_box": (np.zeros((4, 5), np.uint8),),
    "c2fpose.data.synth36.person.body.quaternions": (np.zeros((2, 3, 4)),),
    "c2fpose.data.synth36.cameras._looking_at": (np.zeros(3), np.zeros(2), 0.0),
    "c2fpose.data.synth36.person.dressing._smooth": (0.0, 1.0, np.zeros((9, 3))),
    "c2fpose.data.synth36.generate.geometry": (np.zeros((16, 3)), None),
    "c2fpose.data.synth36.render.room.room_of": (np.zeros((2, 3)), np.zeros((5, 12)), np.zeros((1, 17))),
    "c2fpose.data.synth36.render.materials.linear": (np.zeros(4),),
    "c2fpose.data.synth36.render.mesh.Mesh": (
        np.zeros((4, 3)),
        np.zeros((2, 3), int),
        np.zeros(3, int),  # one more than there are triangles
        np.zeros((4, 8)),
        np.zeros((1, 28)),
    ),
}


@pytest.mark.parametrize("name", WRONG_CALLS)
def test_a_wrong_shape_is_refused(name):
    module, _, function = name.rpartition(".")
    with pytest.raises(TypeCheckError):
        getattr(importlib.import_module(module), function)(*WRONG_CALLS[name])
