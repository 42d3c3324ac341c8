"""What tests of several predictors share."""

import pytest
import torch

from sam2_demo.weights import load_network


@pytest.fixture(scope="module")
def embedded():
    """The embedded model, exact."""
    return load_network("embedded", device="cpu", dtype="float32")


@pytest.fixture
def set_threads():
    """Sets PyTorch's number of threads until the test ends."""
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)
