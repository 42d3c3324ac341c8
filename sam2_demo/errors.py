"""Exceptions that people read: each message gives the value and what is accepted.

DemoError
  InputError            something a person gave cannot be used
    PromptError         clicks, boxes, masks, frame indices, object ids
    MediaError          pictures and videos that cannot be read or written
    DatasetError        folders and annotation files with a wrong layout or content
  WeightsError          model weights that cannot be found, read or matched
  ConfigError           contradicting or unsupported settings
  SessionError          a session that is unknown, has expired or is over its limits
    BusyError           what the server cannot do now and may do later: nothing is lost
      QuotaError        no room for another session: of this visitor, of the server, or on its disk
      StorageError      a change that the disk did not take: it was not made
"""

from __future__ import annotations


class DemoError(Exception):
    """Base of every error this project raises on purpose."""


class InputError(DemoError, ValueError):
    """Something a person gave cannot be used."""


class PromptError(InputError):
    """A click, box, mask, frame index or object id that cannot be used."""


class MediaError(InputError):
    """A picture or video that cannot be read or written."""


class DatasetError(InputError):
    """A data folder or annotation file whose layout or content is wrong."""


class WeightsError(DemoError):
    """Model weights that cannot be found, downloaded, read or matched to a network."""


class ConfigError(DemoError, ValueError):
    """Contradicting or unsupported settings."""


class SessionError(DemoError):
    """A session that is unknown, has expired or is over its limits."""


class BusyError(SessionError):
    """What the server cannot do now and may do later: nothing is lost. `retry_after`: seconds to wait."""

    def __init__(self, text: str, retry_after: int = 10) -> None:
        super().__init__(text)
        self.retry_after = retry_after


class QuotaError(BusyError):
    """No room for another session: of this visitor, of the server, or on its disk."""

    def __init__(self, text: str, retry_after: int = 600) -> None:
        super().__init__(text, retry_after)


class StorageError(BusyError):
    """A change that the disk did not take: it was not made, and everything before it is kept."""

    def __init__(self, text: str, retry_after: int = 60) -> None:
        super().__init__(text, retry_after)
