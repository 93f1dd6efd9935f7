"""Volumes of likelihoods (paper, section 3.1).

``points`` are positions in a volume's space; ``targets`` what a stack is trained towards; ``loss`` compares without
making the target; ``decoding`` reads a point; ``kernels`` and ``memory`` make both fast on a processor.
"""
