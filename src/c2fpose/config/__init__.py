"""What can be set, in one place; the values stand in ``conf/``.

``schema`` says how values are checked; ``model``, ``data``, ``run`` and ``sweep`` hold the keys, their ranges and
meanings; ``command_line`` reads the commands that are no training.
"""
