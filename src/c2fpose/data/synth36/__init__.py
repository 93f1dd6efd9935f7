"""synth36: the embedded, rendered data set."""
