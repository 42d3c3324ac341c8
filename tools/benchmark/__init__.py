"""Speed and memory of this project side by side with transformers and the original: python -m tools.benchmark."""
