"""What the page offers: every model of the tables once, what suits a computer without a GPU first."""

from __future__ import annotations

from sam2_demo.engines.model_catalogue import CATALOGUE, choice_for
from sam2_demo.engines.model_host import LoadedModel, ModelHost
from sam2_demo.official_models import EDGETAM, OFFICIAL_MODELS, RELATED_MODELS


def test_embedded_then_edgetam_then_the_others() -> None:
    assert [choice.source for choice in CATALOGUE[:3]] == ["embedded", "facebook/EdgeTAM", "facebook/sam2.1-hiera-tiny"]
    offered = [choice.source for choice in CATALOGUE[1:]]
    assert sorted(offered) == sorted(model.hub_id for model in (*OFFICIAL_MODELS, *RELATED_MODELS))


def test_labels_are_for_people_and_all_differ() -> None:
    labels = [choice.label for choice in CATALOGUE]
    assert len(set(labels)) == len(labels)
    assert choice_for("facebook/EdgeTAM").label == "EdgeTAM (first choice without a GPU)"
    files = {choice.source.rpartition("_")[2]: choice.label for choice in CATALOGUE if "efficient" in choice.source}
    assert files["512x512.pt"].startswith("EfficientTAM small at 512") and files["ti.pt"] == "EfficientTAM tiny"


def test_page_learns_of_size_licence_and_speed() -> None:
    class Engine:
        name = "embedded"

    host = ModelHost("embedded", lambda source, progress: LoadedModel(Engine(), "embedded"))  # type: ignore[arg-type]
    entry = next(model for model in host.to_json()["models"] if model["name"] == EDGETAM.hub_id)
    assert (entry["megabytes"], entry["licence"], entry["accuracy"]) == (56, "Apache-2.0", 71.7)
    assert entry["speed"] == EDGETAM.speed_note and "CPU" in entry["speed"]
