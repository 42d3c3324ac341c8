"""Which frames are tracked for whom: only what is needed, from prompts outward, neighbours in one run."""

import pytest

from sam2_demo.sessions.track_plan import Need, Run, Span, plan_runs, touched_range


def frames(runs):
    return [list(range(r.start, r.end + (-1 if r.backward else 1), -1 if r.backward else 1)) for r in runs]


@pytest.mark.parametrize(
    ("frame", "others", "touched"),
    [(5, [], (0, 9)), (5, [0], (1, 9)), (5, [0, 8], (1, 7)), (0, [3], (0, 2)), (9, [3, 4], (5, 9))],
)
def test_a_prompt_touches_frames_up_to_the_next_prompts(frame, others, touched):
    assert touched_range(frame, others, 10) == touched


def test_a_fresh_object_goes_forward_from_its_prompt_and_backward_before_it():
    runs = plan_runs({1: Need(range(10), [4])}, Span.of(None, "both", None, 10))
    assert frames(runs) == [[4, 5, 6, 7, 8, 9], [3, 2, 1, 0]]


def test_objects_share_frames_and_gaps_split_runs():
    needs = {1: Need([5, 6, 7, 8, 9], [0]), 2: Need([2, 3, 7, 8, 9], [2])}
    assert plan_runs(needs, Span.of(None, "both", None, 10)) == [
        Run((2,), 2, 3, False),
        Run((1,), 5, 6, False),
        Run((1, 2), 7, 9, False),
    ]


@pytest.mark.parametrize(
    ("start", "direction", "end", "expected"),
    [
        (6, "forward", None, [[6, 7, 8, 9]]),
        (6, "backward", None, [[6, 5, 4, 3, 2, 1, 0]]),
        (6, "both", None, [[6, 7, 8, 9], [5, 4, 3, 2, 1, 0]]),
        (2, "forward", 4, [[2, 3, 4]]),
        (6, "backward", 3, [[6, 5, 4, 3]]),
    ],
)
def test_spans(start, direction, end, expected):
    needs = {1: Need(range(10), [0, 9])}
    assert frames(plan_runs(needs, Span.of(start, direction, end, 10))) == expected


def test_where_no_prompt_lies_behind_there_is_only_the_other_way():
    assert frames(plan_runs({1: Need(range(10), [8])}, Span.of(2, "forward", 5, 10))) == [[5, 4, 3, 2]]
    assert frames(plan_runs({1: Need(range(10), [0])}, Span.of(6, "backward", None, 10))) == [[1, 2, 3, 4, 5, 6], [0]]


def test_nothing_to_do():
    assert plan_runs({1: Need([], [3])}, Span.of(None, "both", None, 10)) == []
    assert plan_runs({}, Span.of(None, "both", None, 10)) == []
