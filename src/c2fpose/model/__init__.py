"""A network, what its volumes mean, and what makes it learn.

Read ``networks`` (image to volumes), ``volumes`` (targets, loss, decoding), ``inference`` (points of images),
``module`` (the LightningModule); ``checkpoints`` brings trained ones back, ``precision`` chooses the numbers.
"""
