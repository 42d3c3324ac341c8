"""Picture and video sets with ground truth, made clips and simulated prompts."""
