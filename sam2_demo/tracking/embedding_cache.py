"""A cache of image embeddings bounded by bytes and number; everything in it can be computed again."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable

from sam2_demo.network.outputs import ImageEmbedding

MAX_ENTRIES = 128
"""Small embeddings are quick to compute again, so a minute of video need not fill the memory with them."""


class EmbeddingCache:
    """Least recently used embeddings leave first; safe to share between threads."""

    def __init__(self, max_bytes: int, max_entries: int = MAX_ENTRIES) -> None:
        self.max_bytes = max_bytes
        self.max_entries = max_entries
        self._entries: OrderedDict[Hashable, ImageEmbedding] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def get(self, key: Hashable, compute: Callable[[], ImageEmbedding]) -> ImageEmbedding:
        """The embedding stored under `key`, computed and stored if it is missing."""
        with self._lock:
            if key in self._entries:
                self._entries.move_to_end(key)
                return self._entries[key]
        embedding = compute()
        with self._lock:
            if key not in self._entries:
                self._entries[key] = embedding
                self._bytes += _size(embedding)
            # The newest stays even when it alone is over the bound: its frame is being worked on.
            while len(self._entries) > 1 and (self._bytes > self.max_bytes or len(self._entries) > self.max_entries):
                self._bytes -= _size(self._entries.popitem(last=False)[1])
        return embedding

    def __contains__(self, key: Hashable) -> bool:
        return key in self._entries

    def remove(self, is_meant: Callable[[Hashable], bool]) -> None:
        """Forget the entries whose keys are meant."""
        with self._lock:
            for key in [key for key in self._entries if is_meant(key)]:
                self._bytes -= _size(self._entries.pop(key))


class ClipEmbeddings:
    """One clip's part of a cache that all sessions of a predictor share: one bound for however many people."""

    def __init__(self, cache: EmbeddingCache) -> None:
        self._cache = cache

    def get(self, key: Hashable, compute: Callable[[], ImageEmbedding]) -> ImageEmbedding:
        """As `EmbeddingCache.get`; `key` need be unique in this clip only."""
        return self._cache.get((self, key), compute)

    def __contains__(self, key: Hashable) -> bool:
        return (self, key) in self._cache

    def clear(self) -> None:
        """Forget this clip's embeddings."""
        self._cache.remove(lambda key: isinstance(key, tuple) and key[0] is self)


def _size(embedding: ImageEmbedding) -> int:
    tensors = (embedding.features, *embedding.high_res_features)
    return sum(t.numel() * t.element_size() for t in tensors)
