"""What a server lets one person use; set by flags, stated on the page."""

from __future__ import annotations

from dataclasses import dataclass

from sam2_demo.errors import ConfigError


@dataclass(frozen=True)
class Limits:
    """Upload size in megabytes, clip length in seconds, objects per session, sessions open at once, minutes until an
    unused one leaves memory, hours until its folder is deleted; then what new sessions are refused beyond (stored ones
    never go to make room): how many are stored, how many of one visitor, his gigabytes, and gigabytes left on the disk;
    and the size of pictures and of clips' frames, which is known before they are decoded.
    """

    max_upload_mb: int = 500
    max_clip_seconds: float = 600.0
    max_objects: int = 50
    max_sessions: int = 12
    idle_minutes: float = 30.0
    keep_hours: float = 24.0
    max_stored: int = 1000
    max_stored_per_visitor: int = 150
    max_gb_per_visitor: float = 10.0
    min_free_gb: float = 1.0
    max_picture_megapixels: float = 25.0
    max_clip_megapixels: float = 9.0

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not value > 0:
                raise ConfigError(f"{name} is {value}; it must be more than 0")
