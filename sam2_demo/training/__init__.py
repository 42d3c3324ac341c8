"""The published training recipe over tracking.frame_step."""
