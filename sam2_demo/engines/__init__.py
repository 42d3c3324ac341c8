"""Loaded models, and whose turn it is on the device."""
