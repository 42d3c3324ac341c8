"""The objects of a session: names, colours and whether they are shown, by object id."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from sam2_demo.errors import PromptError, SessionError

MAX_NAME_LENGTH = 60


@dataclass
class ObjectInfo:
    """How one object is shown; `color` is "#rrggbb".

    `effect` and `extra` name effects on and over this object alone, each with a variant 0, 1 or 2; empty: as for all.
    `stability` is that of the mask by which everything mode found the object, in [0, 1]; None: a person made it.
    """

    object_id: int
    name: str
    color: str
    visible: bool = True
    locked: bool = False
    effect: str = ""
    effect_variant: int = 0
    extra: str = ""
    extra_variant: int = 0
    stability: float | None = None

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> ObjectInfo:
        """Inverse of `asdict`; TypeError for anything else."""
        info = cls(**fields)
        if not isinstance(info.object_id, int) or not isinstance(info.name, str) or not isinstance(info.color, str):
            raise TypeError("an object has a whole number, a name and a colour")
        return info


class ObjectTable:
    """Objects by id. Ids are given by the page and never reused for another thing within a session."""

    def __init__(self, max_objects: int) -> None:
        self.max_objects = max_objects
        self._objects: dict[int, ObjectInfo] = {}

    def put(self, info: ObjectInfo) -> None:
        """Add an object or change how it is shown; SessionError beyond the limit."""
        if info.object_id not in self._objects and len(self._objects) >= self.max_objects:
            raise SessionError(f"this server takes up to {self.max_objects} objects in one session")
        self._objects[info.object_id] = info

    def copy(self) -> ObjectTable:
        """Another table of the same objects."""
        other = ObjectTable(self.max_objects)
        other._objects = dict(self._objects)
        return other

    def get(self, object_id: int) -> ObjectInfo:
        """The object; PromptError if it does not exist."""
        if object_id not in self._objects:
            known = ", ".join(str(i) for i in self._objects) or "none"
            raise PromptError(f"object {object_id} does not exist; objects here: {known}")
        return self._objects[object_id]

    def remove(self, object_id: int) -> None:
        """Forget an object; PromptError if it does not exist."""
        self.get(object_id)
        del self._objects[object_id]

    def visible_ids(self) -> list[int]:
        """Ids of the objects that are shown, in the order in which they were added."""
        return [i for i, info in self._objects.items() if info.visible]

    def __iter__(self) -> Any:
        return iter(list(self._objects.values()))

    def __contains__(self, object_id: int) -> bool:
        return object_id in self._objects

    def __len__(self) -> int:
        return len(self._objects)

    def to_json(self) -> list[dict[str, Any]]:
        """Plain values for the page and the session folder."""
        return [asdict(info) for info in self]
