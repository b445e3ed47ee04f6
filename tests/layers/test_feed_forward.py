import torch
from torch.nn import functional as F

from vitae_mm.layers import FeedForward


def test_equals_the_equation():
    module = FeedForward(6, 12)
    x = torch.rand(2, 3, 5, 6)
    hidden = F.gelu(x @ module.fc1.weight.T + module.fc1.bias)
    torch.testing.assert_close(module(x), hidden @ module.fc2.weight.T + module.fc2.bias)


def test_the_rate_of_hidden_dropout_defaults_to_the_other_rate():
    both = FeedForward(6, 12, drop_rate=0.2)
    last = FeedForward(6, 12, drop_rate=0.2, hidden_drop_rate=0.0)
    assert (both.hidden_drop.p, both.drop.p) == (0.2, 0.2)
    assert (last.hidden_drop.p, last.drop.p) == (0.0, 0.2)
