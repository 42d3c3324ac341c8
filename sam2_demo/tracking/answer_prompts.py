"""How prompts are answered, in pictures and on frames alike: a first answer, a closer look, the mirrored picture."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from sam2_demo.network.outputs import ImageEmbedding

First = TypeVar("First")
Answer = TypeVar("Answer")


def answer_prompts(
    step: Callable[[ImageEmbedding | None], First],
    finish: Callable[[First], Answer],
    look: Callable[[First], tuple[Answer, bool]] | None,
    embed_mirrored: Callable[[], ImageEmbedding] | None,
) -> Answer:
    """The answer of `step`, a decoding with or without the mirrored picture's embedding, as `finish` makes it.

    `look` sees a first answer from closer up and says whether it saw the thing that was meant; None where nothing is
    looked at. `embed_mirrored`: None where the mirrored picture has no say. It is asked only where nothing was seen
    from closer up, which is worth more: each costs an encoding or two.
    """
    if look is not None:
        seen, is_settled = look(step(None))
        if is_settled or embed_mirrored is None:
            return seen
    return finish(step(None if embed_mirrored is None else embed_mirrored()))
