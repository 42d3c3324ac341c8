"""The models that the page offers, with what a person wants to know before choosing one."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sam2_demo.weights import EDGETAM, OFFICIAL_MODELS, RELATED_MODELS, OfficialModel


@dataclass(frozen=True)
class ModelChoice:
    """One model: how it is named to `load_network`, megabytes to download, published J&F on SA-V test, speed, what fast
    mode costs, and the licence of weights that are downloaded."""

    source: str
    label: str
    megabytes: int = 0
    accuracy: float | None = None
    speed: str = ""
    fast_mode: str = "what it costs in J&F was not measured with this model"
    licence: str = ""


EMBEDDED = ModelChoice(
    "embedded",
    "Embedded (small, nothing to download)",
    speed="fast on any computer",
    fast_mode="J&F 70.2 instead of 71.0 on ten DAVIS clips",
)


def _official(model: OfficialModel) -> ModelChoice:
    label = model.variant.replace("sam2.1-hiera-", "SAM 2.1 ").replace("sam2-hiera-", "SAM 2.0 ")
    label = _FAMILY.sub(lambda m: f"EfficientTAM {_WIDTHS[m[1]]}{_FORMS[m[2]]}", label)
    if model is EDGETAM:
        label = "EdgeTAM (first choice without a GPU)"
    return ModelChoice(
        model.hub_id, label, model.megabytes, model.j_and_f_sav_test, model.speed_note, licence=model.licence
    )


_FAMILY = re.compile(r"efficienttam-(ti|s)(-\w+)?$")
_WIDTHS = {"ti": "tiny", "s": "small"}
_FORMS = {None: "", "-1": ", averaged memories (1)", "-2": ", averaged memories (2)", "-512x512": " at 512 x 512"}

# What suits a computer without a GPU comes first: it is where people most need to be told.
CATALOGUE: tuple[ModelChoice, ...] = (
    EMBEDDED,
    _official(EDGETAM),
    *(_official(model) for model in (*OFFICIAL_MODELS, *RELATED_MODELS) if model is not EDGETAM),
)


def choice_for(source: str) -> ModelChoice:
    """The catalogue's entry for a source; others (files) get a plain one."""
    for choice in CATALOGUE:
        if choice.source == source:
            return choice
    return ModelChoice(source, source.replace("\\", "/").rsplit("/", 1)[-1])
