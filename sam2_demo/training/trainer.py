"""The training loop: stages, mixed precision, clipping, averaged weights, checkpoints and exact resume.

Every step draws its data and its prompts from a generator seeded by (seed, stage, step), so that a resumed run
sees what an uninterrupted one would have seen.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from sam2_demo.device import has_matrix_units
from sam2_demo.errors import ConfigError
from sam2_demo.network.sam2_network import Sam2Network
from sam2_demo.resuming import replacing
from sam2_demo.training.calibration import calibrate_scores
from sam2_demo.training.clip_batches import ClipBatch, ClipBatchMaker
from sam2_demo.training.clip_loss import clip_loss
from sam2_demo.training.data_parallel import average_over_processes, world
from sam2_demo.training.export import are_written, write_weights
from sam2_demo.training.optimisation import AveragedWeights, learning_rate, make_optimiser, set_learning_rate
from sam2_demo.training.picture_batches import PictureBatch, PictureBatchMaker
from sam2_demo.training.picture_loss import SaliencyHead, StepResult, mean_of, picture_loss, to_pixels
from sam2_demo.training.run_identity import (
    CHECKPOINT_NAME,
    decisions,
    network_decisions,
    read_checkpoint,
    refuse_another_run,
)
from sam2_demo.training.run_log import RunLog
from sam2_demo.training.samples import draw_samples
from sam2_demo.training.stages import Stage, TrainingConfig, check_divisible

_PREFETCHED = 3
_PLAIN_ATTENTION_SIZE = 512  # pixels
_STATISTICS_BATCHES, _STATISTICS_PICTURES = 16, 8
WEIGHTS_NAME = "weights.safetensors"
_CALIBRATION_FRAMES = 10
_SAMPLES_DRAW = 2**40  # no training step draws these pictures
log = logging.getLogger(__name__)


@dataclass
class Progress:
    """Where a run is: stage, steps within it, seconds spent in it, steps in all."""

    stage: int = 0
    step: int = 0
    seconds: float = 0.0
    total_steps: int = 0


class Trainer:
    """Trains one network through the stages of a configuration, in one run folder."""

    def __init__(
        self,
        network: Sam2Network,
        config: TrainingConfig,
        pictures: PictureBatchMaker,
        clips: ClipBatchMaker,
        run_folder: Path,
    ) -> None:
        self.network = network
        for module in network.modules():
            if isinstance(module, nn.Conv2d):
                module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.config = config
        self.bfloat16 = has_matrix_units(network.device) if config.bfloat16 is None else config.bfloat16
        self.pictures = pictures
        self.clips = clips
        self.run_folder = run_folder
        self.progress = Progress()
        self._clock = time.monotonic()
        torch.manual_seed(config.seed)
        self.saliency = SaliencyHead(network.config.hidden_dim).to(network.device)
        self.average = AveragedWeights(network, config.ema_decay)
        self.optimiser = make_optimiser(
            (network, self.saliency), config.weight_decay, config.layer_decay, config.trunk_rate
        )
        self.rank, self.num_processes = world()
        check_divisible(config, self.num_processes)
        self.log = RunLog(run_folder)

    @property
    def checkpoint_path(self) -> Path:
        """Where the run's state is kept."""
        return self.run_folder / CHECKPOINT_NAME

    def resume(self) -> None:
        """Take up the state of the run folder; InputError when there is none, ConfigError when it is another run's."""
        state = read_checkpoint(self.checkpoint_path, self.network.device)
        refuse_another_run(self.checkpoint_path, state, self._decisions())
        try:
            self.network.load_state_dict(state["network"])
        except RuntimeError as error:  # of a run from before the network's name was kept
            raise ConfigError(
                f"{self.checkpoint_path} does not fit the network {self.network.config.name}; "
                "resume with the --model that it was started with"
            ) from error
        self.saliency.load_state_dict(state["saliency"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.average.tensors = state["average"]
        self.average.updates = state["average_updates"]
        self.progress = Progress(**state["progress"])

    def _decisions(self) -> dict[str, Any]:
        return decisions(self.config, self.num_processes) | network_decisions(self.config, self.network)

    def save(self) -> None:
        """Write the run's state (first process only); the file is replaced in one move."""
        if self.rank > 0:
            return
        provenance = self.network.provenance
        state = {
            **self._decisions(),
            "model": None if provenance is None else provenance.source,
            "network": self.network.state_dict(),
            "saliency": self.saliency.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "average": self.average.tensors,
            "average_updates": self.average.updates,
            "progress": vars(self.progress),
        }
        with replacing(self.checkpoint_path) as beside:
            torch.save(state, beside)

    def train(self) -> None:
        """Run every stage that is left; after each save, and write curves, samples and weights."""
        weights = self.run_folder / WEIGHTS_NAME
        if self.progress.stage == len(self.config.stages) and self.rank == 0:
            done = "nothing is left to train: the run ended with step %d; to go on, start another one with --model %s"
            log.info(done, self.progress.total_steps, weights)
        if self.progress.stage and not self.progress.step and not are_written(weights, self.progress.total_steps):
            self._finish_stage()  # a kill came between the checkpoint and the weights
        while self.progress.stage < len(self.config.stages):
            self._train_stage(self.config.stages[self.progress.stage])
            self.progress.stage += 1
            self.progress.step, self.progress.seconds = 0, 0.0
            self.save()
            self._finish_stage()

    def finish(self) -> None:
        """Write what a run of no steps gives: the weights as they are, with calibrated scores."""
        self.progress.stage = len(self.config.stages)
        self.save()
        if self.rank == 0:
            self.write_results()

    def _finish_stage(self) -> None:
        if self.rank == 0:
            self.log.draw_curves()
            self.write_results()

    def write_results(self) -> None:
        """Write samples.png and weights.safetensors from the averaged weights."""
        kept = {name: value.clone() for name, value in self.network.state_dict().items()}
        self.network.load_state_dict(self.average.tensors)
        self.network.eval()
        stage = self.config.stages[min(self.progress.stage, len(self.config.stages)) - 1]
        if self.progress.stage == len(self.config.stages) and self.config.calibration_clips:
            self._calibrate(stage)
        draw_samples(self.network, self.pictures.make(_SAMPLES_DRAW, 8, 1, stage.size), self.run_folder / "samples.png")
        weights, name = self.run_folder / WEIGHTS_NAME, self.network.config.name
        write_weights(self.network.state_dict(), weights, name, self.progress.total_steps)  # last: `train` looks for it
        self.network.load_state_dict(kept)

    def _calibrate(self, stage: Stage) -> None:
        draws = [_SAMPLES_DRAW + number for number in range(self.config.calibration_clips)]
        clips = (self.clips.make(draw, 1, 3, _CALIBRATION_FRAMES, stage.size) for draw in draws)
        pictures = (self.pictures.make(draw + 1, 8, 4, stage.size) for draw in draws)
        with torch.autocast(self.network.device.type, torch.bfloat16, enabled=self.bfloat16):
            calibrate_scores(self.network, clips, pictures, self.config.calibrate_ious)

    def _train_stage(self, stage: Stage) -> None:
        log.info("stage %s starts at step %d", stage.name, self.progress.step)
        for name, parameter in self.network.named_parameters():
            parameter.requires_grad_(not name.startswith(stage.freeze) if stage.freeze else True)
        self._set_modes(stage)
        seed = self.config.seed * 1000 + self.progress.stage
        self._clock = last_saved = time.monotonic()
        for batch in self._batches(stage):
            self._set_rate(stage)
            draw = self.progress.step * self.num_processes + self.rank
            rng = np.random.default_rng((seed, draw, 1))
            torch.manual_seed(seed * 1_000_003 + draw)
            result = self._step(self._losses(stage, batch, rng), stage.size)
            self.progress.step += 1
            self.progress.total_steps += 1
            if self.rank > 0:
                continue
            self._report(stage, result)
            if time.monotonic() - last_saved > 60 * self.config.checkpoint_minutes:
                self.save()
                self.log.draw_curves()
                last_saved = time.monotonic()

    def _set_modes(self, stage: Stage) -> None:
        """All modules train but for batch norms whose statistics are held: in frozen parts always, else as the stage
        says: as they are, or measured at its size (at its start only)."""
        self.network.train()
        learning = self._norms(learning=True)
        for norm in self._norms(learning=False):
            norm.eval()
        if stage.statistics == "measured" and learning and self.progress.step == 0:
            self._measure_statistics(learning, stage)
        if stage.statistics != "trained":
            for norm in learning:
                norm.eval()

    def _norms(self, learning: bool) -> list[nn.BatchNorm2d]:
        """The batch norms outside the frozen parts, or those inside."""
        norms = (module for module in self.network.modules() if isinstance(module, nn.BatchNorm2d))
        return [norm for norm in norms if norm.weight.requires_grad == learning]

    def _measure_statistics(self, norms: list[nn.BatchNorm2d], stage: Stage) -> None:
        momenta = [norm.momentum for norm in norms]
        for norm in norms:
            norm.reset_running_stats()
            norm.momentum = None  # a plain mean over the batches
        for number in range(_STATISTICS_BATCHES):
            draw = 10_000_000 * (self.progress.stage + 1) - 1 - (number * self.num_processes + self.rank)
            batch = self.pictures.make(draw, _STATISTICS_PICTURES, 1, stage.size)
            with torch.no_grad(), torch.autocast(self.network.device.type, torch.bfloat16, self.bfloat16):
                self.network.encode_image(to_pixels(batch.pixels, self.network.device))
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
        for name, buffer in self.network.named_buffers():
            if name in self.average.tensors:
                self.average.tensors[name].copy_(buffer)

    def _losses(
        self, stage: Stage, batch: PictureBatch | ClipBatch, rng: np.random.Generator
    ) -> list[Callable[[], StepResult]]:
        """What gives the loss of a batch: of the whole, or of each of its parts."""
        if not isinstance(batch, ClipBatch):
            return [partial(picture_loss, self.network, self.saliency, batch, rng, stage.losses, stage.corrections)]
        clips = stage.clips
        losses, corrections = (clips.losses, clips.corrections) if clips else (stage.losses, stage.corrections)
        parts = batch.one_by_one() if clips and clips.one_by_one else [batch]
        return [partial(clip_loss, self.network, part, rng, losses, corrections) for part in parts]

    def _step(self, parts: Sequence[Callable[[], StepResult]], size: int) -> StepResult:
        """One step along the mean gradient of the parts of a batch, which go through the network one after another."""
        device = self.network.device.type
        # On CPUs the fused attention's backward pass is twice as slow as the plain one, which takes memory with the
        # fourth power of the side.
        is_plain = device == "cpu" and size <= _PLAIN_ATTENTION_SIZE
        self.optimiser.zero_grad(set_to_none=True)
        results = []
        for compute in parts:
            attention = sdpa_kernel(SDPBackend.MATH) if is_plain else nullcontext()
            with torch.autocast(device, torch.bfloat16, enabled=self.bfloat16), attention:
                result = compute()
            (result.loss / len(parts)).backward()
            results.append(replace(result, loss=result.loss.detach()))
        result = mean_of(results)
        parameters = [p for group in self.optimiser.param_groups for p in group["params"]]
        buffers = [b for norm in self._norms(learning=True) for b in norm.buffers() if b.is_floating_point()]
        # From here to here of the step before: waiting for data counts, and what a GPU has yet to do is counted next.
        # Processes agree on the time spent too, or they would not end a stage at the same step.
        before, self._clock = self._clock, time.monotonic()
        self.progress.seconds += average_over_processes(parameters, buffers, self._clock - before)
        norm = torch.nn.utils.clip_grad_norm_(parameters, self.config.clip_norm)
        if torch.isfinite(norm):
            self.optimiser.step()
            self.average.update(self.network)
        else:
            log.warning("step %d skipped: its gradient is not finite", self.progress.total_steps)
        result.figures["gradient_norm"] = norm.item()
        return result

    def _share_done(self, stage: Stage) -> float:
        if stage.steps is not None:
            return self.progress.step / stage.steps
        return self.progress.seconds / (60 * (stage.minutes or 0.0))

    def _set_rate(self, stage: Stage) -> None:
        rate = learning_rate(stage.lr_start, stage.lr_end, self._share_done(stage))
        warmup = min(1.0, (self.progress.total_steps + 1) / max(1, self.config.warmup_steps))
        set_learning_rate(self.optimiser, rate * warmup)

    def _report(self, stage: Stage, result: StepResult) -> None:
        share = self._share_done(stage)
        figures = {"loss": result.loss.item(), "lr": self.optimiser.param_groups[0]["lr"], **result.figures}
        self.log.add(self.progress.total_steps, stage.name, figures, self._seconds_left(share))

    def _seconds_left(self, share: float) -> float:
        """Of the whole run; stages whose length is in steps are taken to go on at this stage's speed."""
        per_step = self.progress.seconds / max(1, self.progress.step)
        later = self.config.stages[self.progress.stage + 1 :]
        rest = sum(60 * s.minutes if s.minutes is not None else per_step * (s.steps or 0) for s in later)
        return self.progress.seconds * (1 / max(share, 1e-6) - 1) + rest

    def _batches(self, stage: Stage) -> Iterator[PictureBatch | ClipBatch]:
        """Batches from the present step on, made ahead by a thread, until the stage is over."""
        ready: queue.Queue[PictureBatch | ClipBatch | Exception] = queue.Queue(_PREFETCHED)
        stop = threading.Event()
        first = self.progress.step

        def produce() -> None:
            step = first
            while not stop.is_set() and (stage.steps is None or step < stage.steps):
                item: PictureBatch | ClipBatch | Exception
                try:
                    item = self._make_batch(stage, step)
                except Exception as error:  # noqa: BLE001 - handed to the training thread, which raises it
                    item = error
                while not stop.is_set():
                    try:
                        ready.put(item, timeout=0.5)
                        break
                    except queue.Full:
                        continue
                step += 1

        thread = threading.Thread(target=produce, name="batches", daemon=True)
        thread.start()
        try:
            while self._share_done(stage) < 1.0:
                item = ready.get()
                if isinstance(item, Exception):
                    raise item
                yield item
        finally:
            stop.set()
            thread.join(timeout=30)

    def _make_batch(self, stage: Stage, step: int) -> PictureBatch | ClipBatch:
        # A stage's own range of steps keeps batches of different stages apart.
        draw = 10_000_000 * self.progress.stage + step * self.num_processes + self.rank
        clips = stage.clips
        if clips is not None and not (clips.picture_every and step % clips.picture_every == clips.picture_every - 1):
            return self.clips.make(draw, clips.clips // self.num_processes, clips.objects, clips.frames, clips.size)
        return self.pictures.make(draw, stage.pictures // self.num_processes, stage.prompts, stage.size)
