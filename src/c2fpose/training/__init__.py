"""One run, in ``run``, to be read in one sitting.

``trainer`` sets up Lightning, ``loggers`` where values go; ``callbacks``, ``curve`` and ``progress`` watch.
"""
