"""Training lowers the loss, resumes exactly, and tunes checkpoints in the official format."""

import time
from dataclasses import replace
from functools import partial

import cv2
import numpy as np
import pytest
import torch
from safetensors import safe_open

from sam2_demo.errors import ConfigError, InputError
from sam2_demo.network.config import HieraConfig
from sam2_demo.network.sam2_network import Sam2Network
from sam2_demo.training.clip_batches import ClipBatchMaker
from sam2_demo.training.clip_loss import clip_loss
from sam2_demo.training.export import are_written, write_weights
from sam2_demo.training.losses import LossWeights
from sam2_demo.training.picture_batches import PictureAugmentation, PictureBatchMaker
from sam2_demo.training.stages import (
    CONFIGS,
    ClipStage,
    Stage,
    TrainingConfig,
    from_stage,
    shared_by,
    with_budget,
    with_frozen,
    with_size,
)
from sam2_demo.training.trainer import WEIGHTS_NAME, Trainer

CLIPS = ClipStage(size=64, clips=1, frames=3, objects=2, picture_every=2)


def config(steps: int, **changes: object) -> TrainingConfig:
    stage = Stage("small", 64, 4, 2, lr_start=3e-3, lr_end=1e-3, steps=steps, corrections=1)
    return TrainingConfig("test", (replace(stage, **changes),), warmup_steps=5, bfloat16=False)


def trainer(network, plan, pictures, folder) -> Trainer:
    maker = PictureBatchMaker(pictures, PictureAugmentation(mosaic=0, pastes=(1, 0, 0, 0)), plan.seed)
    return Trainer(network, plan, maker, ClipBatchMaker(maker, seed=plan.seed), folder)


def losses(run: Trainer) -> list[float]:
    return [float(entry["loss"]) for entry in run.log.read()]


def test_a_short_run_learns_and_leaves_its_record(small_network, drawn_pictures, tmp_path):
    run = trainer(small_network, config(60), drawn_pictures, tmp_path)
    run.train()
    record = losses(run)
    assert len(record) == 60
    assert np.mean(record[-10:]) < 0.75 * np.mean(record[:10])
    for name in ("metrics.jsonl", "curves.png", "samples.png", "checkpoint.pt", WEIGHTS_NAME):
        assert (tmp_path / name).stat().st_size > 0
    assert cv2.imread(str(tmp_path / "samples.png")).std() > 10


def test_weights_are_half_precision_under_module_names(small_network, drawn_pictures, tmp_path):
    trainer(small_network, config(2), drawn_pictures, tmp_path).train()
    with safe_open(tmp_path / WEIGHTS_NAME, framework="pt") as file:
        assert file.metadata()["config"] == "small"
        assert set(file.keys()) == set(small_network.state_dict())
        assert file.get_tensor("no_mem_embed").dtype == torch.float16


def test_resumed_run_equals_an_uninterrupted_one(small_config, drawn_pictures, tmp_path, monkeypatch):
    plan = replace(config(8, clips=CLIPS, statistics="measured"), checkpoint_minutes=0.0)
    torch.manual_seed(1)
    whole = trainer(Sam2Network(small_config), plan, drawn_pictures, tmp_path / "whole")
    whole.train()

    torch.manual_seed(1)
    broken = trainer(Sam2Network(small_config), plan, drawn_pictures, tmp_path / "broken")
    add = broken.log.add

    def add_until_the_power_fails(step, *arguments, **named):
        if step == 5:
            raise KeyboardInterrupt
        add(step, *arguments, **named)

    monkeypatch.setattr(broken.log, "add", add_until_the_power_fails)
    with pytest.raises(KeyboardInterrupt):
        broken.train()
    resumed = trainer(Sam2Network(small_config), plan, drawn_pictures, tmp_path / "broken")
    resumed.resume()
    assert resumed.progress.step == 4
    resumed.train()
    assert losses(resumed) == pytest.approx(losses(whole), abs=1e-4)
    for name, value in whole.average.tensors.items():
        assert torch.allclose(value, resumed.average.tensors[name], atol=1e-4), name


def test_tuning_a_random_official_format_checkpoint_lowers_its_loss(small_config, drawn_pictures, tmp_path):
    hiera = replace(small_config, name="small-hiera", trunk=HieraConfig(16, 1, (1, 1, 2, 1), (2,), (4, 4, 2, 2)))
    torch.manual_seed(2)
    torch.save({"model": Sam2Network(hiera).state_dict()}, tmp_path / "random.pt")
    network = Sam2Network(hiera)
    network.load_state_dict(torch.load(tmp_path / "random.pt", weights_only=True)["model"], strict=True)
    published = config(20, losses=LossWeights(), clips=replace(CLIPS, losses=LossWeights()))
    run = trainer(network, published, drawn_pictures[:2], tmp_path)
    run.train()
    record = losses(run)
    assert np.mean(record[-4:]) < 0.9 * np.mean(record[:4])


@pytest.mark.parametrize("statistics", ["trained", "measured"])
def test_frozen_parts_stay(small_network, drawn_pictures, tmp_path, monkeypatch, statistics):
    before = {name: value.clone() for name, value in small_network.state_dict().items()}
    plan = with_frozen(config(3, statistics=statistics), ("trunk",))

    def average_of_processes_that_differ(parameters, buffers, number):
        for buffer in buffers:
            buffer.add_(1.0)
        return number

    monkeypatch.setattr("sam2_demo.training.trainer.average_over_processes", average_of_processes_that_differ)
    run = trainer(small_network, plan, drawn_pictures, tmp_path)
    run.train()
    for after in (small_network.state_dict(), run.average.tensors):
        moved = {name for name, value in after.items() if not torch.equal(value, before[name])}
        assert not any(name.startswith("image_encoder.trunk.") for name in moved)
        assert any(name.startswith("sam_mask_decoder.") for name in moved)


@pytest.mark.parametrize("statistics", ["trained", "measured"])
def test_statistics_outside_frozen_parts_are_learnt(small_network, drawn_pictures, tmp_path, statistics):
    before = {name: value.clone() for name, value in small_network.named_buffers() if "running_" in name}
    frozen = "image_encoder.trunk.stages.0."
    trainer(small_network, config(1, statistics=statistics, freeze=(frozen,)), drawn_pictures, tmp_path).train()
    buffers = dict(small_network.named_buffers())
    moved = {name for name, value in before.items() if not torch.equal(value, buffers[name])}
    assert moved == {name for name in before if not name.startswith(frozen)}


def test_resume_needs_a_run_of_the_same_configuration(small_network, drawn_pictures, tmp_path):
    run = trainer(small_network, config(1), drawn_pictures, tmp_path)
    with pytest.raises(InputError, match=r"checkpoint\.pt does not exist"):
        run.resume()
    run.save()
    other = trainer(small_network, replace(config(1), name="other"), drawn_pictures, tmp_path)
    with pytest.raises(ConfigError, match="a run with --config test, not with --config other"):
        other.resume()


def test_resume_needs_as_many_processes(small_network, drawn_pictures, tmp_path, monkeypatch):
    trainer(small_network, config(1), drawn_pictures, tmp_path).save()
    monkeypatch.setattr("sam2_demo.training.trainer.world", lambda: (0, 2))
    with pytest.raises(ConfigError, match="with --processes 1, not with --processes 2; resume with --processes 1"):
        trainer(small_network, config(1), drawn_pictures, tmp_path).resume()


def test_resume_needs_the_same_network(small_config, small_network, drawn_pictures, tmp_path):
    trainer(small_network, config(1), drawn_pictures, tmp_path).save()
    other = Sam2Network(replace(small_config, name="other"))
    with pytest.raises(ConfigError, match="of the network small, not of the network other; resume with the --model"):
        trainer(other, config(1), drawn_pictures, tmp_path).resume()


def test_checkpoints_of_before_decisions_were_kept_resume(small_config, small_network, drawn_pictures, tmp_path):
    run = trainer(small_network, config(1), drawn_pictures, tmp_path)
    run.progress.total_steps = 7
    run.save()
    state = torch.load(run.checkpoint_path, weights_only=True)
    first = ("config", "stages", "processes", "network", "saliency", "optimiser", "average", "average_updates")
    torch.save({name: state[name] for name in (*first, "progress")}, run.checkpoint_path)
    again = trainer(Sam2Network(small_config), config(1), drawn_pictures, tmp_path)
    again.resume()
    assert again.progress.total_steps == 7
    wider = Sam2Network(replace(small_config, decoder_mlp_dim=64))
    with pytest.raises(ConfigError, match="does not fit the network small; resume with the --model"):
        trainer(wider, config(1), drawn_pictures, tmp_path).resume()


def test_a_finished_run_says_so_and_keeps_its_results(small_network, drawn_pictures, tmp_path, caplog):
    caplog.set_level("INFO")
    plan = replace(config(1), stages=tuple(replace(config(1).stages[0], name=name) for name in ("first", "second")))
    trainer(small_network, plan, drawn_pictures, tmp_path).train()
    assert "nothing is left" not in caplog.text
    weights = tmp_path / WEIGHTS_NAME
    written = weights.stat().st_ino

    def resume() -> None:
        caplog.clear()
        again = trainer(small_network, with_budget(plan, steps=20), drawn_pictures, tmp_path)
        again.resume()
        again.train()
        assert "nothing is left to train: the run ended with step 2" in caplog.text

    resume()
    assert weights.stat().st_ino == written
    write_weights(small_network.state_dict(), weights, "small", steps=1)  # what the first stage left
    resume()
    assert are_written(weights, steps=2)
    weights.write_bytes(b"")  # what a power cut may leave
    resume()
    assert are_written(weights, steps=2)


def test_time_waiting_for_data_counts(small_network, drawn_pictures, tmp_path, monkeypatch):
    minutes = replace(config(1).stages[0], steps=None, minutes=1 / 60)
    run = trainer(small_network, replace(config(1), stages=(minutes,)), drawn_pictures, tmp_path)
    make = run.pictures.make
    monkeypatch.setattr(run.pictures, "make", lambda *given: time.sleep(0.3) or make(*given))
    run.train()
    assert 2 <= run.progress.total_steps <= 5


def test_stages_refuse_contradictions():
    with pytest.raises(ConfigError, match="multiple of 32"):
        config(1, size=50)
    with pytest.raises(ConfigError, match="either steps or minutes"):
        config(1, minutes=1.0)


def test_a_run_is_entered_at_a_later_stage():
    names = [stage.name for stage in CONFIGS["embedded"].stages]
    assert [stage.name for stage in from_stage(CONFIGS["embedded"], names[2]).stages] == names[2:]
    with pytest.raises(ConfigError, match=f"no stage 'clips-999'; its stages: {', '.join(names)}"):
        from_stage(CONFIGS["embedded"], "clips-999")


def test_batches_grow_until_processes_can_share_them():
    stage = shared_by(CONFIGS["finetune"], 3).stages[0]
    assert (stage.pictures, stage.clips.clips) == (3, 3)
    assert shared_by(CONFIGS["embedded"], 2) == CONFIGS["embedded"]


def test_budget_keeps_the_shares():
    stretched = with_budget(CONFIGS["embedded"], minutes=10)
    assert sum(stage.minutes for stage in stretched.stages) == pytest.approx(10)
    counted = with_budget(CONFIGS["embedded"], steps=100)
    assert abs(sum(stage.steps for stage in counted.stages) - 100) <= len(counted.stages)
    assert {stage.clips.size for stage in with_size(CONFIGS["finetune"], 64).stages if stage.clips} == {64}


def test_parts_of_a_batch_step_along_their_mean_gradient(small_network, drawn_pictures, tmp_path):
    stage = Stage("small", 64, 4, 2, lr_start=0.0, lr_end=0.0, steps=1, clips=replace(CLIPS, one_by_one=True))
    run = trainer(small_network, TrainingConfig("test", (stage,), bfloat16=False), drawn_pictures, tmp_path)
    batch = run.clips.make(0, 3, 2, 3, 64)
    assert len(run._losses(stage, batch, np.random.default_rng(0))) == 3
    together = replace(stage, clips=CLIPS)
    assert len(run._losses(together, batch, np.random.default_rng(0))) == 1

    def stepped(parts):
        """The gradient before it was clipped, and the result."""
        losses = [partial(clip_loss, small_network, p, np.random.default_rng(1), CLIPS.losses) for p in parts]
        result = run._step(losses, 64)
        gradient = small_network.sam_mask_decoder.iou_token.weight.grad
        return gradient * max(1.0, result.figures["gradient_norm"]), result

    parts = batch.one_by_one()
    singles = [stepped([part]) for part in parts]
    gradient, result = stepped(parts)
    assert result.loss.item() == pytest.approx(np.mean([own.loss.item() for _, own in singles]), rel=1e-4)
    torch.testing.assert_close(gradient, sum(own for own, _ in singles) / 3, rtol=1e-3, atol=1e-6)
    assert result.figures["object_score_accuracy"] == pytest.approx(
        np.mean([own.figures["object_score_accuracy"] for _, own in singles])
    )
    assert len(result.scores.object_score) == sum(len(own.scores.object_score) for _, own in singles) > 0


def test_the_last_stage_trains_the_object_score_alone(small_network):
    last = CONFIGS["embedded"].stages[-1]
    learning = {name for name, _ in small_network.named_parameters() if not name.startswith(last.freeze)}
    head = small_network.sam_mask_decoder.pred_obj_score_head
    assert learning == {f"sam_mask_decoder.pred_obj_score_head.{name}" for name, _ in head.named_parameters()}
    assert last.clips is not None and last.clips.picture_every == 0 and last.clips.losses.object_score > 0
