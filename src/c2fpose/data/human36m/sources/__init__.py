"""The forms that people have Human3.6M in, one file each.

Each has ``read(path, calibration, stride, wanted)``, which yields ``frames.SequenceRecords``; the file's name is the
``source=`` of ``c2fpose.data.prepare``.
"""
