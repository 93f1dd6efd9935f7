"""What can be set in training, evaluation, prediction and the finder; the values stand in ``conf/``.

``schema`` says how values are checked; ``model``, ``data``, ``run`` and ``sweep`` hold the keys, their ranges and
meanings, ``representations`` those of each way to represent a pose; ``command_line`` reads the commands that are no
training.
"""
