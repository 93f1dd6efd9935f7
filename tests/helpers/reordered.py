"""The paper's joints in another order, in which the root is none of the first."""

import numpy as np

from c2fpose.pose.skeleton import C2F17, JOINTS, Skeleton

ORDER = np.roll(np.arange(len(JOINTS)), 5)  # which of the paper's joints stands where
REORDERED = Skeleton.from_dict(C2F17.to_dict() | {"joints": [JOINTS[joint] for joint in ORDER]})
