"""The models that the page offers, with what a person wants to know before choosing one."""

from __future__ import annotations

from dataclasses import dataclass

from sam2_demo.weights import OFFICIAL_MODELS, OfficialModel


@dataclass(frozen=True)
class ModelChoice:
    """One model: how it is named to `load_network`, megabytes to download, published J&F on SA-V test, speed, and
    what fast mode costs."""

    source: str
    label: str
    megabytes: int = 0
    accuracy: float | None = None
    speed: str = ""
    fast_mode: str = "what it costs in J&F was not measured with this model"


EMBEDDED = ModelChoice(
    "embedded",
    "Embedded (small, nothing to download)",
    speed="fast on any computer",
    fast_mode="J&F 70.2 instead of 71.0 on ten DAVIS clips",
)


def _official(model: OfficialModel) -> ModelChoice:
    label = model.variant.replace("sam2.1-hiera-", "SAM 2.1 ").replace("sam2-hiera-", "SAM 2.0 ")
    return ModelChoice(model.hub_id, label, model.megabytes, model.j_and_f_sav_test, model.speed_note)


CATALOGUE: tuple[ModelChoice, ...] = (EMBEDDED, *(_official(model) for model in OFFICIAL_MODELS))


def choice_for(source: str) -> ModelChoice:
    """The catalogue's entry for a source; others (files) get a plain one."""
    for choice in CATALOGUE:
        if choice.source == source:
            return choice
    return ModelChoice(source, source.replace("\\", "/").rsplit("/", 1)[-1])
