import pytest
import torch


@pytest.fixture(autouse=True)
def one_thread():
    """Where others use the cores too, the threads of such small steps wait
    for each other, many times as long as they work."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
