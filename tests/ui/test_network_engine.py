"""The engine that the app loads: what the page says of it, and the flags that choose device and precision."""

import pytest

from app import read_arguments
from sam2_demo.errors import ConfigError
from sam2_demo.ui.network_engine import load_engine


def test_page_states_device_and_precision():
    given = read_arguments(["--device", "cpu", "--dtype", "float32"])
    model = load_engine("embedded", device=given.device, dtype=given.dtype)
    assert model.engine.name == "embedded"
    assert model.description.endswith("on cpu in float32")


def test_page_states_what_fast_mode_costs():
    assert "fast mode (J&F" in load_engine("embedded", device="cpu", fast=True).description


def test_unknown_precision_is_refused():
    with pytest.raises(ConfigError, match="float9"):
        load_engine("embedded", dtype="float9")
