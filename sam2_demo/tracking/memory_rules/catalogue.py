"""The rules by name, with a sentence for people."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sam2_demo.errors import ConfigError
from sam2_demo.tracking.memory_rules.distractor_aware import DistractorAware
from sam2_demo.tracking.memory_rules.gated import Gated
from sam2_demo.tracking.memory_rules.motion import Motion
from sam2_demo.tracking.memory_rules.motion_and_distractor_aware import MotionAndDistractorAware
from sam2_demo.tracking.memory_rules.published import Published
from sam2_demo.tracking.memory_rules.rule import MemoryRule
from sam2_demo.tracking.memory_rules.tree import Tree


@dataclass(frozen=True)
class RuleEntry:
    """A rule and when a person would choose it."""

    make: Callable[[], MemoryRule]
    sentence: str


MEMORY_RULES: dict[str, RuleEntry] = {
    "published": RuleEntry(Published, "As SAM 2 was released: the last six frames."),
    "gated": RuleEntry(Gated, "Hidden at times: forgets frames on which the model was unsure."),
    "distractor_aware": RuleEntry(DistractorAware, "Several things look alike: keeps frames that tell them apart."),
    "motion": RuleEntry(Motion, "One fast thing: takes the mask that lies where the motion leads."),
    "motion+distractor_aware": RuleEntry(MotionAndDistractorAware, "A fast thing among look-alikes: both together."),
    "tree": RuleEntry(Tree, "Hidden for long: follows three readings of the clip and keeps the best."),
    "tree2": RuleEntry(lambda: Tree(2), "The same with two readings, which is faster."),
}


def make_memory_rule(name: str) -> MemoryRule:
    """The rule of a name; ConfigError for an unknown one."""
    return check_memory_rule(name).make()


def check_memory_rule(name: str) -> RuleEntry:
    """The entry of a name; ConfigError for an unknown one."""
    if name not in MEMORY_RULES:
        raise ConfigError(f"memory_rule is {name!r}; accepted: {', '.join(MEMORY_RULES)}")
    return MEMORY_RULES[name]
