"""What is pressed in quick succession, refused by the server, or left while it runs: page and server stay together."""

import pytest
from drive import IN_CHROMIUM
from playwright.sync_api import expect

from sam2_demo.errors import SessionError

pytestmark = IN_CHROMIUM

# `make(name)` imports a script of the page.
IMPORT = """const loaded = performance.getEntriesByType('resource').map((entry) => entry.name);
    const make = (name) => import(loaded.find((each) => each.includes('/' + name + '.js')));"""

STOPS = (
    "async () => {"
    + IMPORT
    + """
    const { LongTask } = await make('long_task');
    const told = async (settling, stopAt) => {
        const asked = [], bench = {
            outbox: { settled: () => settling },
            host: { ask: async (event, question, options) => {
                asked.push(event);
                if (event === 'stop') return {};
                await new Promise((done) => setTimeout(done, 50));
                for (const step of [1, 2]) options.onStep(step);
                return { stopped: false };
            } },
        };
        const task = new LongTask(bench, 'track'), steps = [];
        const going = task.run({}, (step) => steps.push(step));
        if (stopAt !== null) setTimeout(() => task.stop(), stopAt);
        const { stopped } = await going;
        return [stopped, asked.join(' '), steps.length];
    };
    const later = () => new Promise((done) => setTimeout(done, 60));
    return [await told(null, null), await told(later(), 10), await told(null, 10)];
}"""
)


def test_a_stop_before_the_task_has_begun_is_kept(tab):
    undisturbed, before, overtaking = tab.evaluate(STOPS)
    assert undisturbed == [False, "track", 2]
    assert before == [True, "", 0]
    assert overtaking == [False, "track stop stop", 2], "said again once the task has begun"


FRAMES = (
    "async () => {"
    + IMPORT
    + """
    const { Frames } = await make('frames');
    let shown = null;
    const frames = new Frames('x', 300, () => shown);
    const loads = [];
    frames.load = (index) => new Promise((done) => loads.push(() => done({ index, close() { this.closed = true; } })));
    const first = frames.get(0), next = frames.get(1);
    loads.splice(0).forEach((arrive) => arrive());
    shown = await first;
    for (let index = 2; index < 200; index++) frames.get(index);
    return [Boolean(shown.closed), Boolean((await next).closed), frames.ready(0) === shown, frames.cache.size];
}"""
)


def test_the_frame_on_the_stage_stays_open(tab):
    assert tab.evaluate(FRAMES) == [False, True, True, 90]


def test_frames_that_are_passed_are_not_asked_for(tab, video):
    asked = []
    tab.on("request", lambda request: "/frames/" in request.url and asked.append(request.url))
    tab.route("**/frames/*.jpg", lambda route: (tab.wait_for_timeout(300), route.continue_()))
    video.root.get_by_label("Frame", exact=True).evaluate(
        """async (slider) => {
            for (let frame = 5; frame < 20; frame++) {
                slider.value = frame;
                slider.dispatchEvent(new Event('input', { bubbles: true }));
                await new Promise((done) => setTimeout(done, 10));
            }
        }"""
    )
    tab.wait_for_timeout(1500)
    assert asked[-1].endswith("/19.jpg") and len(asked) < 6
    video.sees(100, 35, lambda red, *_: red > 180, "the last frame")


@pytest.fixture
def slowly(video):
    """The clip, whose every frame takes a while to track."""
    engine = video.session().engine
    engine.delay = 0.2
    yield video
    engine.delay = 0.01


def test_stop_right_after_track(tab, slowly):
    slowly.click(25, 35)
    slowly.root.evaluate(
        """async (root) => {
            const buttons = [...root.querySelectorAll('button')];
            const named = (name) => buttons.find((each) => each.textContent === name && !each.hidden);
            named('Track').click();
            await new Promise(requestAnimationFrame); // the first picture that shows the button
            named('Stop').click();
        }"""
    )
    slowly.root.get_by_text("Stopped").wait_for(timeout=10_000)
    assert len(slowly.session().masklets()[1]) < 10


def test_another_video_while_tracking_ends_it(tab, slowly):
    work = slowly.session()
    slowly.click(25, 35)
    slowly.press("Track")
    slowly.root.get_by_text("of 20 frames").wait_for(timeout=10_000)
    slowly.press("Other video")
    for _ in range(40):
        tab.wait_for_timeout(50)
        if not work.is_busy():
            break
    tab.wait_for_timeout(500)
    assert not work.is_busy() and len(work.masklets()[1]) < 20
    assert not (work.folder / "overlay.mp4").exists() and tab.get_by_role("alert").count() == 0


def test_a_refused_removal_brings_the_object_back(tab, video, monkeypatch):
    video.tracked()

    def refuse(object_id):
        raise SessionError("this session is busy")

    with monkeypatch.context() as patched:
        patched.setattr(video.session(), "remove_object", refuse)
        video.press("Remove Object 1")
        tab.get_by_text("this session is busy").wait_for(timeout=10_000)
        video.root.get_by_text("prompts on 1 frame").wait_for(timeout=10_000)
        expect(video.root.get_by_role("button", name="Download masks of all objects")).to_be_visible()  # tracked masks
    video.press("Remove Object 1")
    video.until(lambda w: not len(w.objects), "the removal")
    video.press("Undo")
    tab.get_by_text("press Track to follow it again").wait_for(timeout=10_000)
    assert (0, 1) in video.session().prompts


def test_no_more_objects_than_the_server_takes(tab, video):
    most = video.server.settings.limits.max_objects
    add = """(root, times) => {
        const button = [...root.querySelectorAll('button')].find((each) => each.textContent === '+ Add object');
        while (times--) button.click();
    }"""
    video.root.evaluate(add, 8)
    video.until(lambda w: len(w.objects) == 8, "eight objects")
    expect(video.root.locator(".sam-object.sam-current")).to_be_in_viewport(ratio=0.9)
    video.session().objects.max_objects = 9
    video.root.evaluate(add, 2)
    tab.get_by_text("this server takes up to 9 objects").wait_for(timeout=10_000)
    expect(video.root.locator(".sam-object")).to_have_count(9)
    video.session().objects.max_objects = most  # or its refusals would take the place of the page's own
    video.root.evaluate(add, most)
    tab.get_by_text(f"There is room for no more than {most} objects").wait_for(timeout=10_000)
