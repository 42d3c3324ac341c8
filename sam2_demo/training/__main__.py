"""Command line of the trainer."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import cv2
import torch

from sam2_demo.errors import ConfigError, DemoError
from sam2_demo.network.mobile_trunk import MobileTrunk
from sam2_demo.network.sam2_network import Sam2Network
from sam2_demo.training.clip_batches import ANNOTATED_SHARE, ClipBatchMaker
from sam2_demo.training.clip_sampling import AnnotatedClipSource
from sam2_demo.training.data import read_training_data
from sam2_demo.training.data_parallel import run_in_processes, world
from sam2_demo.training.picture_batches import PictureBatchMaker
from sam2_demo.training.pretrained import (
    adopt_matching,
    find_imagenet_file,
    has_same_trunk,
    load_imagenet_trunk,
    load_mean,
)
from sam2_demo.training.run_identity import CHECKPOINT_NAME, decisions, read_checkpoint, refuse_another_run
from sam2_demo.training.stages import (
    CONFIGS,
    FREEZABLE,
    TrainingConfig,
    check_divisible,
    from_stage,
    shared_by,
    with_budget,
    with_frozen,
    with_size,
)
from sam2_demo.training.trainer import Trainer

_EXAMPLES = """examples:
  python -m sam2_demo.training --config embedded --data DATA --out runs/embedded
  python -m sam2_demo.training --config embedded --data DATA --out runs/embedded --resume
  python -m sam2_demo.training --config scratch --data DATA --out runs/short --minutes 10
  python -m sam2_demo.training --config embedded --model one.safetensors other.safetensors --only-calibrate \
--data DATA --out runs/mean
  python -m sam2_demo.training --config finetune --model facebook/sam2.1-hiera-tiny --data DAVIS coco/annotations/\
instances_train2017.json --freeze trunk --out runs/tuned

--data takes any of these, recognised by content, several at once:
  pictures with label maps   <stem>.jpg beside <stem>.png (0 background, k the k-th object, 255 unknown), or index.csv
  COCO instances             a folder with annotations/instances_<split>.json and <split>/, or that JSON file
  DAVIS, MOSE, YouTube-VOS   JPEGImages/<clip>/<frame>.jpg and Annotations/<clip>/<frame>.png
  SA-V val and test          JPEGImages_24fps/<clip>/<frame>.jpg and Annotations_6fps/<clip>/<object>/<frame>.png
  SA-V train                 <clip>.mp4 beside <clip>_manual.json or <clip>_auto.json
Clips are mixed with clips made from the pictures; without pictures, frames of the clips serve as such.
"""


def build_parser(prog: str) -> argparse.ArgumentParser:
    """The options of the command."""
    parser = argparse.ArgumentParser(
        prog=prog,
        description="Train or fine-tune a SAM 2 network.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--config", choices=sorted(CONFIGS), required=True, help="what to train")
    parser.add_argument(
        "--data", type=Path, nargs="+", required=True, metavar="DATA", help="data sets, pictures or clips; see below"
    )
    parser.add_argument("--split", help="which clips of DAVIS or SA-V layouts (default: train where there is a list)")
    parser.add_argument(
        "--annotated-share", type=_share, default=ANNOTATED_SHARE, metavar="SHARE",
        help=f"share of annotated clips among all clips, 0 to 1 (default {ANNOTATED_SHARE})",
    )  # fmt: skip
    parser.add_argument("--out", type=Path, required=True, help="run folder: checkpoint, metrics, curves, weights")
    parser.add_argument("--resume", action="store_true", help="go on from the run folder's checkpoint")
    parser.add_argument(
        "--model", nargs="+", default=[], metavar="MODEL",
        help="weights to start from: a Hub id or a file (finetune: default embedded); of several their mean",
    )  # fmt: skip
    parser.add_argument(
        "--only-calibrate", action="store_true", help="train nothing: write the weights of --model, scores calibrated"
    )
    parser.add_argument("--from-stage", metavar="STAGE", help="leave out the stages before this one, with --model")
    parser.add_argument("--random", action="store_true", help="start the embedded network's trunk at random")
    parser.add_argument("--freeze", nargs="+", choices=sorted(FREEZABLE), default=[], help="parts kept as they are")
    parser.add_argument(
        "--size", type=int, help="input side in pixels of every stage, a multiple of 32 (finetune: the network's own)"
    )
    budget = parser.add_mutually_exclusive_group()
    budget.add_argument("--minutes", type=_above_zero, help="length of the whole run instead of the configured one")
    budget.add_argument("--steps", type=_at_least_one, help="the same in steps: exactly repeatable")
    parser.add_argument("--limit-pictures", type=_at_least_one, help="use that many pictures only")
    parser.add_argument("--checkpoint-minutes", type=float, help="time between checkpoints (default 3); 0: every step")
    parser.add_argument("--seed", type=int, default=0, help="of everything that is drawn (default 0)")
    # Asked without starting CUDA, which processes forked later could not use.
    os.environ.setdefault("PYTORCH_NVML_BASED_CUDA_CHECK", "1")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument(
        "--processes", type=_at_least_one,
        help="processes that share every batch, which grows until they can (default on CPUs: 2 if it need not grow)",
    )  # fmt: skip
    parser.add_argument("--threads", type=int, help="CPU threads of each process; default: all, shared evenly")
    return parser


def main(arguments: list[str] | None = None, prog: str = "python -m sam2_demo.training") -> int:
    """Run the command; 0 on success, 2 on wrong input."""
    options = build_parser(prog).parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    try:
        _train(options)
    except DemoError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    return 0


def _train(options: argparse.Namespace) -> None:
    cv2.setNumThreads(1)
    config = replace(
        CONFIGS[options.config],
        seed=options.seed,
        split=options.split,
        limit_pictures=options.limit_pictures,
        annotated_share=options.annotated_share,
    )
    if options.only_calibrate and not options.model:
        raise ConfigError("--only-calibrate needs weights: give --model")
    if options.from_stage is not None:
        if config.network is not None and not (options.model or options.resume):
            raise ConfigError("--from-stage needs the weights of the stages before it: give --model")
        config = from_stage(config, options.from_stage)
    config = with_budget(config, options.minutes, options.steps)
    processes = options.processes or _usual_processes(config, options.device)
    config = shared_by(config, processes)
    torch.set_num_threads(options.threads or max(1, (os.cpu_count() or 1) // processes))
    config = with_frozen(config, tuple(options.freeze))
    if options.size is not None:
        config = with_size(config, options.size)
    if options.checkpoint_minutes is not None:
        config = replace(config, checkpoint_minutes=options.checkpoint_minutes)
    if options.resume:  # before the data is read, which may take minutes
        checkpoint = options.out / CHECKPOINT_NAME
        refuse_another_run(checkpoint, read_checkpoint(checkpoint, mapped=True), decisions(config, processes))
    data = read_training_data(options.data, config.max_picture_side, config.limit_pictures, config.split)
    maker = PictureBatchMaker(data.pictures, config.augmentation, config.seed)
    annotated = AnnotatedClipSource(data.clips) if data.clips else None
    clips = ClipBatchMaker(maker, None, config.seed, annotated, config.annotated_share, config.edits)
    backend = "gloo" if options.device == "cpu" else "nccl"
    run_in_processes(partial(_train_one, options, config, maker, clips), processes, backend)


def _above_zero(text: str) -> float:
    try:
        minutes = float(text)
    except ValueError:
        minutes = 0.0
    if not 0 < minutes < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is no length; accepted: a number above 0")
    return minutes


def _at_least_one(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of them; accepted: whole numbers from 1")
    return int(text)


def _share(text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no share; accepted: 0 to 1")
    return share


def _usual_processes(config: TrainingConfig, device: str) -> int:
    """Two on a CPU with two cores or more, if they can share every batch; else one."""
    if device != "cpu" or (os.cpu_count() or 1) < 2:
        return 1
    try:
        check_divisible(config, 2)
    except ConfigError:
        return 1
    return 2


def _train_one(
    options: argparse.Namespace, config: TrainingConfig, maker: PictureBatchMaker, clips: ClipBatchMaker
) -> None:
    rank, count = world()
    if count > 1 and options.device == "cuda":
        options.device = f"cuda:{rank}"
    torch.manual_seed(options.seed)
    network = _starting_network(options, config)
    if config.network is None and options.size is None:
        config = with_size(config, network.config.image_size)
    trainer = Trainer(network, config, maker, clips, options.out)
    if options.resume:
        trainer.resume()
        if rank == 0:
            trainer.log.forget_after(trainer.progress.total_steps)
    if options.only_calibrate:
        trainer.finish()
    else:
        trainer.train()


def _starting_network(options: argparse.Namespace, config: TrainingConfig) -> Sam2Network:
    """A fresh network, on ImageNet's trunk where there is one, or the one whose weights are to be tuned."""
    given = None
    if options.model or config.network is None:
        given = load_mean(options.model or ["embedded"], options.device)
        if config.network is None or given.config == config.network:
            return given.requires_grad_(True)
    network = Sam2Network(config.network)
    has_own_trunk = given is not None and has_same_trunk(network, given.state_dict())
    is_pretrained = not options.random and not options.resume and not has_own_trunk  # a checkpoint holds the trunk too
    if isinstance(network.image_encoder.trunk, MobileTrunk) and is_pretrained:
        load_imagenet_trunk(network.image_encoder.trunk, find_imagenet_file())
    if given is not None:
        left = adopt_matching(network, given.state_dict())
        left_out = "%d tensors of %s do not fit and start at random: %s"
        logging.info(left_out, len(left), " ".join(options.model), ", ".join(left))
    return network.to(options.device)


if __name__ == "__main__":
    sys.exit(main())
