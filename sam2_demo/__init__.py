"""Segment Anything in images and videos: SAM 2 in PyTorch with a browser demo, training and evaluation."""
