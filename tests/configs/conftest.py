import pytest
import torch


@pytest.fixture(autouse=True)
def one_thread():
    """Runs a test with one thread: on a busy machine the threads of such small steps wait
    for each other much longer than they compute."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
