"""SAM 2's own rule (section 4): the six nearest frames behind, and the candidate of highest predicted IoU."""

from __future__ import annotations

from sam2_demo.tracking.memory_rules.rule import MemoryRule


class Published(MemoryRule):
    """As released."""
