"""The device lock serves in the order of arrival, so that a click waits for one step only."""

import threading
import time

from sam2_demo.engines.device_lock import DeviceLock


def test_a_greedy_loop_does_not_starve_others():
    lock, stop = DeviceLock(), threading.Event()
    steps = []

    def track():
        while not stop.is_set():
            with lock:
                steps.append(time.monotonic())
                time.sleep(0.005)

    thread = threading.Thread(target=track)
    thread.start()
    time.sleep(0.02)
    waits = []
    for _ in range(10):
        begun = len(steps)
        with lock:
            waits.append(len(steps) - begun)
    stop.set()
    thread.join()
    assert max(waits) <= 1


def test_only_one_holds_it_and_errors_release_it():
    lock = DeviceLock()
    inside, most = [], []

    def work():
        for _ in range(50):
            try:
                with lock:
                    inside.append(1)
                    most.append(len(inside))
                    inside.pop()
                    raise ValueError
            except ValueError:
                continue

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert max(most) == 1
    with lock:
        assert True
