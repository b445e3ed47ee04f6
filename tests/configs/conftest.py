import pytest
import torch


@pytest.fixture(autouse=True)
def one_thread():
    """Limits torch to one thread: in such small steps, the threads of a busy machine wait for
    each other much longer than they compute."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
