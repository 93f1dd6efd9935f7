"""From files to poses: people found, poses predicted, results written."""
