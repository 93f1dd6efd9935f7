"""People and volumes drawn, with matplotlib and one palette.

``palette`` has the colours, ``figure`` a page in inches; ``people`` draws poses and sheets, ``volumes`` what a network
says of a joint, ``calibration`` how true its certainties are.
"""
