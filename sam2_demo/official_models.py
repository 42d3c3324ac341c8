"""The eight official models on the Hub, with what a person wants to know before choosing one.

Parameters and sizes follow from the configurations; accuracy and speed are published in the SAM 2 paper and its
repository (J&F on the SA-V test and MOSE val sets; frames per second on an A100, compiled).
"""

from __future__ import annotations

from dataclasses import dataclass

GIB = 2**30


@dataclass(frozen=True)
class OfficialModel:
    """One official model. J&F and speed are None where no number is published for that release here.

    megabytes: size of the download (10^6 bytes, float32); parameters: count; gpu_memory: bytes of GPU memory from
    which `auto` chooses it.
    """

    hub_id: str
    parameters: int
    j_and_f_sav_test: float | None = None
    j_and_f_mose_val: float | None = None
    a100_frames_per_second: int | None = None
    speed_note: str = ""
    gpu_memory: int | None = None

    @property
    def megabytes(self) -> int:
        """Size of the download in 10^6 bytes: four bytes a parameter."""
        return round(self.parameters * 4 / 1e6)

    @property
    def variant(self) -> str:
        """Name of its configuration, such as "sam2.1-hiera-tiny"."""
        return self.hub_id.partition("/")[2]


_SLOW = "seconds per frame on a CPU"
_GPU = "wants a GPU"

OFFICIAL_MODELS: tuple[OfficialModel, ...] = (
    OfficialModel("facebook/sam2.1-hiera-tiny", 38_962_498, 76.5, 71.8, 91, _SLOW, 0),
    OfficialModel("facebook/sam2.1-hiera-small", 46_060_354, 76.6, 73.5, 85, _SLOW),
    OfficialModel("facebook/sam2.1-hiera-base-plus", 80_850_178, 78.2, 73.7, 64, _GPU, 6 * GIB),
    OfficialModel("facebook/sam2.1-hiera-large", 224_446_642, 79.5, 74.6, 40, _GPU, 12 * GIB),
    OfficialModel("facebook/sam2-hiera-tiny", 38_945_986, speed_note=_SLOW),
    OfficialModel("facebook/sam2-hiera-small", 46_043_842, speed_note=_SLOW),
    OfficialModel("facebook/sam2-hiera-base-plus", 80_833_666, speed_note=_GPU),
    OfficialModel("facebook/sam2-hiera-large", 224_430_130, speed_note=_GPU),
)


def models_for_gpu(memory: int) -> list[OfficialModel]:
    """The models that suit a GPU of that many bytes, best first; never empty."""
    fitting = [m for m in OFFICIAL_MODELS if m.gpu_memory is not None and m.gpu_memory <= memory]
    return sorted(fitting, key=lambda m: m.parameters, reverse=True)
