"""The engine that the app loads: what the page says of it, and the flags that choose device and precision."""

import pytest

from sam2_demo.command_line.demo import make_engine_options, read_arguments
from sam2_demo.engines.network_engine import EngineOptions, load_engine
from sam2_demo.errors import ConfigError
from sam2_demo.weights import load_network


def test_page_states_device_and_precision():
    given = read_arguments(["--device", "cpu", "--dtype", "float32"])
    model = load_engine("embedded", options=make_engine_options(given))
    assert model.engine.name == "embedded"
    assert model.description.endswith("on cpu in float32")


def test_page_states_what_fast_mode_costs():
    options = EngineOptions(device="cpu", fast=True)
    assert "fast mode (J&F" in load_engine("embedded", options=options).description
    assert options.tracking(load_network("embedded", device="cpu")).frame_stride == 2


def test_page_states_a_smaller_input():
    given = read_arguments(["--device", "cpu", "--input-scale", "0.6"])
    model = load_engine("embedded", options=make_engine_options(given))
    assert model.description.endswith("clips seen at 224 x 224")
    with pytest.raises(ConfigError, match="up to 1"):
        EngineOptions(input_scale=2.0)


def test_unknown_precision_is_refused():
    with pytest.raises(ConfigError, match="float9"):
        load_engine("embedded", options=EngineOptions(dtype="float9"))
