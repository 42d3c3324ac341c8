"""Frames and masks to painted frames. NumPy and OpenCV only."""
