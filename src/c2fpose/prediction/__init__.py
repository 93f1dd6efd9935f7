"""From a photograph to a pose.

``run`` is the command's work, ``predictor`` the Python class. ``photo`` and ``video`` read, ``finder`` finds people or
``boxes`` says where they are, ``people`` predicts them, ``follow`` through a video; ``result`` is what comes out,
``outputs`` write it. ``engines`` compute, ``export`` writes networks for them.
"""
