"""From a stored image to the square that a network sees.

``standard`` cuts and resamples a box; ``released`` does it exactly as the authors' code; ``augmentation`` draws how
crops and joints change in training.
"""
