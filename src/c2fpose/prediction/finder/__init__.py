"""The small network that finds people in a picture: its weights, training and measurement."""
