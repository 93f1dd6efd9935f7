"""What comes out of a prediction: one file for each way of writing a ``PoseResult``, chosen by the file's ending.

A writer has ``FORMAT``, the endings of its files, and ``write(result, pictures, path)``: a new file is a format.
``write`` writes one file, ``plan`` names the files that a command is going to write. The JSON is what the others are
made after: its conventions hold for all of them.
"""

from c2fpose.prediction.outputs.formats import Pictures, known_formats, marked_unfinished, of_fewer_people, plan, write

__all__ = ["Pictures", "known_formats", "marked_unfinished", "of_fewer_people", "plan", "write"]
