"""What a server lets one person use; set by flags, stated on the page."""

from __future__ import annotations

from dataclasses import dataclass

from sam2_demo.errors import ConfigError


@dataclass(frozen=True)
class Limits:
    """Upload size in megabytes, clip length in seconds, sessions at once, minutes until an idle one closes."""

    max_upload_mb: int = 500
    max_clip_seconds: float = 600.0
    max_objects: int = 50
    max_sessions: int = 12
    idle_minutes: float = 60.0

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not value > 0:
                raise ConfigError(f"{name} is {value}; it must be more than 0")
