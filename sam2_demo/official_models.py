"""The eight official models on the Hub and their small relatives, with what a person wants to know before choosing one.

Parameters and sizes follow from the configurations; accuracy and speed are published in the papers and repositories of
SAM 2, EdgeTAM and EfficientTAM (J&F on the SA-V test and MOSE val sets; frames per second on an A100, compiled).
"""

from __future__ import annotations

from dataclasses import dataclass

GIB = 2**30


@dataclass(frozen=True)
class OfficialModel:
    """One model of the Hub. J&F and speed are None where no number is published for that release here.

    hub_id: OWNER/REPO, or OWNER/REPO/FILE where a repository holds several; megabytes: size of the download (10^6
    bytes, float32); parameters: count; gpu_memory: bytes of GPU memory from which `auto` chooses it.
    """

    hub_id: str
    parameters: int
    j_and_f_sav_test: float | None = None
    j_and_f_mose_val: float | None = None
    a100_frames_per_second: int | None = None
    speed_note: str = ""
    gpu_memory: int | None = None
    licence: str = "Apache-2.0"

    @property
    def megabytes(self) -> int:
        """Size of the download in 10^6 bytes: four bytes a parameter."""
        return round(self.parameters * 4 / 1e6)

    @property
    def variant(self) -> str:
        """Name of its configuration, such as "sam2.1-hiera-tiny"."""
        return self.hub_id.rpartition("/")[2].removesuffix(".pt").replace("_", "-").lower()


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


EDGETAM = OfficialModel(
    "facebook/EdgeTAM", 13_895_794, 71.7, 70.0, speed_note="half a second per frame on one CPU core"
)

_EFFICIENTTAM = "yunyangx/efficient-track-anything/efficienttam_"

# Speeds: seconds of one core of a Zen 4 in bfloat16 for a tracked frame, see docs/MEASURED.md.
RELATED_MODELS: tuple[OfficialModel, ...] = (
    EDGETAM,
    OfficialModel(f"{_EFFICIENTTAM}ti.pt", 17_866_018, speed_note="2 s per frame on one CPU core"),
    OfficialModel(f"{_EFFICIENTTAM}ti_1.pt", 17_866_018, speed_note="1.5 s per frame on one CPU core"),
    OfficialModel(f"{_EFFICIENTTAM}ti_2.pt", 17_866_018, speed_note="1.5 s per frame on one CPU core"),
    OfficialModel(f"{_EFFICIENTTAM}ti_512x512.pt", 17_866_018, speed_note="0.3 s per frame on one CPU core"),
    OfficialModel(f"{_EFFICIENTTAM}s.pt", 34_055_842, speed_note="3 s per frame on one CPU core"),
    OfficialModel(f"{_EFFICIENTTAM}s_1.pt", 34_055_842, speed_note="2.4 s per frame on one CPU core"),
    OfficialModel(f"{_EFFICIENTTAM}s_2.pt", 34_055_842, speed_note=_SLOW),
    OfficialModel(f"{_EFFICIENTTAM}s_512x512.pt", 34_055_842, speed_note="half a second per frame on one CPU core"),
)


def models_for_gpu(memory: int) -> list[OfficialModel]:
    """The models that suit a GPU of that many bytes, best first; never empty."""
    fitting = [m for m in OFFICIAL_MODELS if m.gpu_memory is not None and m.gpu_memory <= memory]
    return sorted(fitting, key=lambda m: m.parameters, reverse=True)
