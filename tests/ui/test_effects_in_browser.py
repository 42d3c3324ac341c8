"""effects.js and rendering/effects.py side by side: the same frames within a small difference."""

import base64
from dataclasses import replace

import cv2
import numpy as np
import pytest
from drive import CHROMIUM

from sam2_demo.masks.display import encode_mask
from sam2_demo.rendering.effects import BACKGROUND_EFFECTS, OBJECT_EFFECTS, draw_effects
from sam2_demo.rendering.palette import color_to_hex
from sam2_demo.rendering.scene import Look, Scene, Subject
from sam2_demo.rendering.sprites import STICKERS, label, lettering, sticker
from sam2_demo.ui.components import files_version

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine (apt-get install chromium)"),
]
SIZE = (180, 320)
LOOKS = [
    *({"objects": name, "objects_variant": variant} for name in OBJECT_EFFECTS for variant in range(3)),
    *(
        {"background": name, "background_variant": variant, "objects": "none"}
        for name in [*BACKGROUND_EFFECTS, "text"]
        for variant in range(3)
    ),
    {"background": "color", "background_color": "#884411", "objects": "outline", "extra": "label", "extra_variant": 2},
    {"background": "blur", "objects": "cutout", "extra": "trail"},
]
# Effects of the two objects' own, over what the look says for all: (effect, extra) each; None: as for all.
OWN = [
    ({}, [(("blur", 2), None), (("outline", 1), ("label", 2))]),
    ({}, [(("burst", 1), None), (None, ("trail", 0))]),
    ({"background": "desaturate"}, [(("none", 0), ("emoji", 2)), (("spotlight", 0), None)]),
    ({"objects": "pixelate", "extra": "outline"}, [(None, ("none", 0)), (("cutout", 2), None)]),
]

DRAW = """async ({base, frame, subjects, looks, sprites, size}) => {
    const { drawEffects } = await import(base + '/effects/effects.js');
    const { paintMask, maskBounds } = await import(base + '/masks/rle.js');
    const bitmap = async (url) => createImageBitmap(await (await fetch(url)).blob());
    const shared = {
        frame: await bitmap(frame), width: size[1], height: size[0], backdrop: await bitmap(sprites.backdrop),
        stickers: await Promise.all(sprites.stickers.map(bitmap)),
        subjects: await Promise.all(subjects.map(async (s) => ({
            ...s, mask: paintMask(s.counts, size[1], size[0], s.color), bounds: maskBounds(s.counts, size[0]),
            label: await bitmap(s.label) }))),
    };
    const found = [];
    for (const { own, ...view } of looks) {
        const canvas = new OffscreenCanvas(size[1], size[0]);
        const kind = view.background_variant || 0;
        drawEffects(canvas, { ...shared, view,
            subjects: shared.subjects.map((s, k) => ({ ...s, ...own?.[k] })),
            lettering: await bitmap(sprites.lettering[kind]) });
        const blob = await canvas.convertToBlob();
        found.push(await new Promise((done) => {
            const reader = new FileReader();
            reader.onload = () => done(reader.result);
            reader.readAsDataURL(blob);
        }));
    }
    return found;
}"""


def own_fields(effect, extra):
    named = [("effect", effect), ("extra", extra)]
    return {k: v for name, own in named if own for k, v in ((name, own[0]), (f"{name}_variant", own[1]))}


def own_subjects(scene, owns):
    return tuple(replace(s, effect=own[0], extra=own[1]) for s, own in zip(scene.subjects, owns, strict=True))


def data_url(picture):
    order = [2, 1, 0] if picture.shape[2] == 3 else [2, 1, 0, 3]
    return "data:image/png;base64," + base64.b64encode(cv2.imencode(".png", picture[..., order])[1]).decode()


def read_url(url):
    data = np.frombuffer(base64.b64decode(url.split(",", 1)[1]), np.uint8)
    return cv2.imdecode(data, cv2.IMREAD_COLOR)[..., ::-1]


@pytest.fixture(scope="module")
def scene():
    rng = np.random.default_rng(3)
    coarse = rng.integers(0, 255, (12, 20, 3), dtype=np.uint8)
    frame = cv2.resize(coarse, SIZE[::-1], interpolation=cv2.INTER_CUBIC)
    frame = cv2.add(frame, rng.integers(0, 25, frame.shape, dtype=np.uint8))
    y, x = np.mgrid[0 : SIZE[0], 0 : SIZE[1]]
    disc = (x - 90) ** 2 + (y - 80) ** 2 < 45**2
    bar = (abs(x - 230) < 40) & (abs(y - 100 - (x - 230) / 3) < 25)
    trail = tuple((0.05 * k + 0.05, 0.4 + 0.02 * k) for k in range(12))
    backdrop = cv2.resize(rng.integers(0, 255, (9, 9, 3), dtype=np.uint8), (400, 500), interpolation=cv2.INTER_LINEAR)
    subjects = (Subject(disc, (86, 180, 233), "Žofie & 犬", trail), Subject(bar, (230, 159, 0), "Bar"))
    return Scene(frame, subjects, backdrop)


def test_each_effect_looks_the_same_in_the_browser_and_in_files(app, tab, scene):
    drawn = tab.evaluate(
        DRAW,
        {
            "base": f"/sam2/static/{files_version()}",
            "frame": data_url(scene.frame),
            "size": SIZE,
            "looks": [*LOOKS, *({**view, "own": [own_fields(*own) for own in owns]} for view, owns in OWN)],
            "subjects": [
                {
                    "counts": encode_mask(subject.mask, SIZE),
                    "color": color_to_hex(subject.color),
                    "trail": subject.trail,
                    "label": data_url(label(subject.name, subject.color)),
                }
                for subject in scene.subjects
            ],
            "sprites": {
                "backdrop": data_url(scene.backdrop),
                "stickers": [data_url(sticker(name)) for name in STICKERS],
                "lettering": [data_url(lettering("SAM 2", variant)) for variant in range(3)],
            },
        },
    )
    far = {}
    plain = [(look, scene) for look in LOOKS]
    mixed = [(view | {"own": owns}, replace(scene, subjects=own_subjects(scene, owns))) for view, owns in OWN]
    for (look, shown), url in zip(plain + mixed, drawn, strict=True):
        expected = draw_effects(shown, Look.from_view(look)).astype(int)
        difference = np.abs(expected - read_url(url).astype(int)).mean()
        changed = np.abs(expected - scene.frame.astype(int)).mean()
        if difference > 2.0 or changed < 0.05:
            far[str(look)] = (round(float(difference), 2), round(float(changed), 2))
    assert not far, far
