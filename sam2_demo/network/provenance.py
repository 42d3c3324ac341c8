"""Where a network's weights came from, for the page and for reports."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Provenance:
    """Source of the weights of one network.

    source: "embedded", a Hub id or a path, as it was resolved; variant: the configuration's name, such as
    "sam2.1-hiera-tiny"; file: the file that was read; notice: why this source, when a person should know (the Hub
    was out of reach, no GPU, ...), else empty.
    """

    source: str
    variant: str
    file: str
    notice: str = ""
