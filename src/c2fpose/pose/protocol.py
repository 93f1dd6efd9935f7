"""Published constants of Human3.6M and of the authors' evaluation, each with its source.

Everything that must be agreed on before two error figures can be compared: who trains and who tests, what the actions
and cameras are called, which depths the bins cover, how long the mean limbs are.
"""

# The paper, section 4.1 (and every later user of the protocol).
TRAIN_SUBJECTS = (1, 5, 6, 7, 8)
TEST_SUBJECTS = (9, 11)

# Human3.6M's 15 actions by their published names, in the order of the paper's table of errors by action.
ACTIONS = (
    "Directions", "Discussion", "Eating", "Greeting", "Phoning", "Photo", "Posing", "Purchases",
    "Sitting", "SittingDown", "Smoking", "Waiting", "WalkDog", "Walking", "WalkTogether",
)  # fmt: skip

# Human3.6M names its four cameras by serial number; this is the index order of its camera table.
CAMERA_SERIALS = (54138969, 55011271, 58860488, 60457274)

# Frames at 50 fps over the four cameras, by action, in the test subjects: the weights of every published average.
# Source: counts of the released annotation; they reproduce the paper's 71.9 mm from its own row (71.899).
TEST_FRAMES_50FPS = (
    31903, 64244, 39308, 30644, 56088, 29320, 27280, 19284,
    40276, 33324, 55552, 37864, 28304, 29264, 26164,
)  # fmt: skip

# Frames of the authors' set: every 5th frame of every video (released annotation of the authors).
TRAIN_FRAMES_10FPS = 312_188
TEST_FRAMES_10FPS = 109_867

# Limits of the 64 depth bins, millimetres from the root (released evaluation code of the authors). They are not
# centred on 0: a root at depth 0 falls in bin 32 (0-based), whose centre is +3.35 mm.
DEPTH_BINS = 64
DEPTH_MIN_MM = -1005.18590298
DEPTH_MAX_MM = 980.85986183

# Mean limb lengths of the training subjects, for ``skeleton.EDGES`` (released evaluation code of the authors).
MEAN_LIMB_LENGTHS_MM = (
    134.0501, 134.0509, 238.3751, 449.2042, 445.5815, 449.2057, 445.5819, 255.3401,
    116.0794, 148.8358, 148.8347, 115.0009, 279.7591, 249.5236, 279.7623, 249.5228,
)  # fmt: skip

# The box of the released data: 200 * scale px wide; scale is the larger extent of the projected joints plus 40 px.
BOX_SCALE_UNIT_PX = 200.0
BOX_MARGIN_PX = 40.0

# Records of Human3.6M that some evaluations leave out, as (subject, action, trial, camera index); None: all cameras.
# Trials are the sub-actions of the release's metadata.xml. Say which of them were left out beside every figure.
EXCLUSIONS = {
    # Labels drift by about 200 mm: files "Greeting", "SittingDown 1" and "Waiting 1" of S9. Root-relative errors
    # survive it, crops do not. (Iskakov et al., Learnable Triangulation, ICCV 2019, list them as damaged.)
    "s9_drift": ((9, "Greeting", 2, None), (9, "SittingDown", 2, None), (9, "Waiting", 1, None)),
    # Corrupt video, file "Directions" of S11, camera 54138969: the authors' 109,867 test frames are without it.
    # Others leave out Directions of S11 in all four cameras.
    "s11_directions_corrupt": ((11, "Directions", 2, 0),),
}

# --- Human3.6M: what its files do not say themselves ---------------------------------------------------------------

# Lenses of the four cameras, the same for all subjects: fx, fy, cx, cy in px; k1, k2, k3, p1, p2 (see camera.distort).
# Source: the release's metadata.xml, as restated in VideoPose3D's camera table (float32).
LENSES = {
    54138969: (
        (1145.0494385, 1143.7811279, 512.5415039, 515.4514771),
        (-0.2070989162, 0.2477751821, -0.0030751503, -0.0009756989, -0.0014244716),
    ),
    55011271: (
        (1149.6756592, 1147.5916748, 508.8486328, 508.0649109),
        (-0.1942136288, 0.2404085398, 0.0068199756, -0.0016190266, -0.0027408944),
    ),
    58860488: (
        (1149.1407471, 1148.7989502, 519.8158569, 501.4026489),
        (-0.2083381861, 0.2554880083, -0.0024604975, 0.0014843870, -0.0007599993),
    ),
    60457274: (
        (1145.5113525, 1144.7739258, 514.9682007, 501.8820190),
        (-0.1983840913, 0.2183236778, -0.0089478074, -0.0005872056, -0.0018133620),
    ),
}

# Human3.6M's own numbers of the actions, 2 to 16, in the spelling of ACTIONS. Source: actionnames of metadata.xml.
ACTION_NUMBERS = {
    2: "Directions", 3: "Discussion", 4: "Eating", 5: "Greeting", 6: "Phoning", 7: "Posing", 8: "Purchases",
    9: "Sitting", 10: "SittingDown", 11: "Smoking", 12: "Photo", 13: "Waiting", 14: "Walking", 15: "WalkDog",
    16: "WalkTogether",
}  # fmt: skip
# Some files of S1 spell two actions otherwise.
ACTION_SPELLINGS = {"TakingPhoto": "Photo", "WalkingDog": "WalkDog"}

# Every subject does every action twice. The suffixes of the two sequences' file names ("" for the bare name) are
# "1" and "" but for these. Source: mapping of metadata.xml, as restated alike in two public preparations.
TRIAL_SUFFIXES = ("1", "")
TRIAL_SUFFIX_EXCEPTIONS = {
    1: {"Eating": ("2", ""), "Sitting": ("1", "2"), "SittingDown": ("2", "")},
    5: {
        "Directions": ("1", "2"), "Discussion": ("2", "3"), "Greeting": ("1", "2"), "SittingDown": ("", "1"),
        "Photo": ("", "2"), "Waiting": ("1", "2"),
    },
    6: {
        "Eating": ("1", "2"), "Posing": ("2", ""), "Sitting": ("1", "2"), "Photo": ("", "1"), "Waiting": ("3", ""),
    },
    7: {
        "Phoning": ("2", ""), "SittingDown": ("", "1"), "Photo": ("", "1"), "Waiting": ("1", "2"),
        "Walking": ("1", "2"),
    },
    8: {"SittingDown": ("", "1"), "WalkTogether": ("1", "2")},
    9: {"Discussion": ("1", "2"), "SittingDown": ("", "1")},
    11: {
        "Discussion": ("1", "2"), "Greeting": ("2", ""), "Phoning": ("3", "2"), "SittingDown": ("", "1"),
        "Smoking": ("2", ""),
    },
}  # fmt: skip
