"""Picture and video sets with ground truth, and simulated prompts."""
