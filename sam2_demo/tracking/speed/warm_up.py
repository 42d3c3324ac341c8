"""First calls made ahead of people: what PyTorch compiles on first use is compiled before anybody waits for it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from time import perf_counter

import numpy as np

from sam2_demo.network.sam2_network import Sam2Network
from sam2_demo.tracking.image_predictor import ImagePredictor
from sam2_demo.tracking.options import TrackingOptions
from sam2_demo.tracking.video_predictor import VideoPredictor

log = logging.getLogger(__name__)
_SIZE, _FRAMES = (360, 640), 4
_NUM_OBJECTS = (1, 3)  # the number of objects becomes a variable when it changes for the first time


def warm_up(
    network: Sam2Network, report: Callable[[str, float | None], None], options: TrackingOptions | None = None
) -> str:
    """Click on a picture and track through a clip, both blank, with a network that is to be compiled; `options` are
    those that clips will be tracked with.

    `report` gets the step in words and the share done. Where compiling fails, for want of a C++ compiler or of Triton,
    the network is used uncompiled from then on; the answer says so, and is empty otherwise.
    """
    started = perf_counter()
    try:
        report("Compiling: a click", 0.0)
        blank = np.zeros((*_SIZE, 3), np.uint8)
        picture = ImagePredictor(network)
        picture.set_image(blank)
        for points in ([(300, 200)], [(300, 200), (50, 50)]):
            picture.predict(points=points, multimask=len(points) == 1)
        picture.predict(box=(300, 200, 340, 240), multimask=False)
        for number, count in enumerate(_NUM_OBJECTS, start=1):
            report(f"Compiling: tracking, {count} at once", number / (1 + len(_NUM_OBJECTS)))
            _track(network, [blank] * _FRAMES, count, options)
    except Exception as error:
        network.compiled = False
        log.warning("the network could not be compiled", exc_info=True)
        return f"It runs uncompiled: {type(error).__name__} while compiling it (see the log)."
    log.info("compiled in %.0f s", perf_counter() - started)
    return ""


def _track(network: Sam2Network, frames: list[np.ndarray], num_objects: int, options: TrackingOptions | None) -> None:
    session = VideoPredictor(network, options).open(frames)
    for index in range(num_objects):
        session.add_prompt(0, index + 1, points=[(100 + 100 * index, 200)])
    for _ in session.propagate():
        pass
    session.close()
