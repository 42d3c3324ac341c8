"""Files to RGB frames and back: lazy, random access, exact index. No torch."""
