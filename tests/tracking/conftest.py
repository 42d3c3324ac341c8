"""What tests of several predictors share."""

import pytest

from sam2_demo.weights import load_network


@pytest.fixture(scope="module")
def embedded():
    """The embedded model, exact."""
    return load_network("embedded", device="cpu", dtype="float32")
