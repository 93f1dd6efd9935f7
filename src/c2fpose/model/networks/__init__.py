"""The networks: image in, one volume of likelihoods for each joint and stack out (or coordinates, the baseline).

``hourglass`` has the blocks, ``coarse_to_fine`` stacks them along a depth schedule, ``heads`` says what they end in,
``coordinates`` is the head of the regression baseline; ``input`` is what they see, ``batch_norm`` their statistics,
``folding`` the same without them, ``cost`` what they cost.
"""
