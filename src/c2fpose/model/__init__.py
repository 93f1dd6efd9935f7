"""A network, what its outputs mean, and what makes it learn.

Read ``networks`` (image to outputs), ``volumes`` (targets, loss, decoding), ``representations`` (what outputs mean:
volumes, coordinates, ...), ``inference`` (points of images), ``module`` (the LightningModule); ``checkpoints`` brings
trained ones back, ``precision`` chooses the numbers.
"""
