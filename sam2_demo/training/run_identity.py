"""Which run a checkpoint is of: what decides a run is kept beside its state, and compared when it is resumed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from sam2_demo.errors import ConfigError, InputError
from sam2_demo.network.sam2_network import Sam2Network
from sam2_demo.training.stages import TrainingConfig, common_size, frozen_parts

CHECKPOINT_NAME = "checkpoint.pt"


def read_checkpoint(path: Path, device: torch.device | str = "cpu", mapped: bool = False) -> dict[str, Any]:
    """A run's state; InputError when there is none. Mapped, tensors stay in the file until they are used."""
    if not path.is_file():
        raise InputError(f"{path} does not exist; start the run without --resume first")
    return torch.load(path, map_location=device, weights_only=True, mmap=mapped)


def decisions(config: TrainingConfig, processes: int) -> dict[str, Any]:
    """What decides a run, whatever its network: plain values, most of them under the names of their options.

    Neither its length, which may be changed on the way, nor where its data lies.
    """
    return {
        "config": config.name,
        "stages": config.stage_names,
        "processes": processes,
        "seed": config.seed,
        "freeze": frozen_parts(config),
        "split": config.split,
        "limit_pictures": config.limit_pictures,
        "annotated_share": config.annotated_share,
    }


def network_decisions(config: TrainingConfig, network: Sam2Network) -> dict[str, Any]:
    """What else decides a run once its network, and so its input side, is known."""
    return {"network_name": network.config.name, "size": common_size(config)}


def refuse_another_run(path: Path, stored: Mapping[str, Any], asked: Mapping[str, Any]) -> None:
    """ConfigError where a checkpoint's run is not the one asked for; older checkpoints do not hold every decision."""
    for name, value in asked.items():
        if name in stored and stored[name] != value:
            raise ConfigError(
                f"{path} is a run {_in_words(name, stored[name])}, not {_in_words(name, value)}; "
                f"resume {_remedy(name, stored)}"
            )


def _in_words(name: str, value: Any) -> str:
    if name == "stages":
        return f"of the stages {', '.join(value)}"
    if name == "network_name":
        return f"of the network {value}"
    option = f"--{name.replace('_', '-')}"
    if value is None or value == []:
        return f"without {option}"
    return f"with {option} {' '.join(value) if isinstance(value, list) else value}"


def _remedy(name: str, stored: Mapping[str, Any]) -> str:
    if name == "stages":
        return "with the --from-stage that it was started with"
    if name == "network_name":
        return f"with --model {stored['model']}" if stored.get("model") else "with the --model that it was started with"
    return _in_words(name, stored[name])
