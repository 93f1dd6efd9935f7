"""Many runs: the jobs of an experiment, each once, and the same after any interruption.

``rows`` makes jobs of an experiment, ``identity`` says when two are the same, ``job`` is a job's directory, ``runner``
runs one, ``reuse`` takes over a finished one, ``again`` evaluates one again, ``hooks`` checks a sweep beforehand.
"""
