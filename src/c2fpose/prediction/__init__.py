"""From a photograph to a pose.

``photo`` reads and crops, ``person`` predicts, ``result`` is what comes out; ``engines`` compute, ``export`` writes
networks for them.
"""
