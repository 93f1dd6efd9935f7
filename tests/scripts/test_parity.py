"""The rows of the page of parity that need no training."""

from script_modules import loaded


def test_poses_are_the_originals_under_every_rule_that_it_has():
    rows = list(loaded("parity").metric())
    assert len(rows) > 8 and any("noisy" in row[0] for row in rows)
    assert all(float(row[-2]) < 1e-6 for row in rows if "coordinates of poses" in row[0])
