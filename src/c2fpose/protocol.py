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
