"""Poses as numbers: joints, camera, errors. NumPy, millimetres.

Read ``protocol`` (published constants), ``skeleton`` (joints and their orders), ``camera`` (projection, depth bins, the
root's depth), ``box`` (the person's square), ``to_millimetres`` (from what a network says to a pose), ``metrics``,
``running_errors`` (the same summed over batches).
"""
