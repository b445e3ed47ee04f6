"""The feed-forward network of transformer blocks."""

from torch import Tensor, nn


class FeedForward(nn.Module):
    """Position-wise feed-forward network (FFN): linear, GELU, linear.

    Attention Is All You Need, Sec. 3.3, with a GELU.

    Args:
        dim (int): Input and output channels (D).
        hidden_dim (int): Channels between the two linear layers.
        drop_rate (float): Dropout after the last linear layer. Defaults to 0.
        hidden_drop_rate (float, optional): Dropout after the GELU. Defaults
            to ``drop_rate``.
    """

    def __init__(
        self,
        dim: int,
        hidden_dim: int,
        *,
        drop_rate: float = 0.0,
        hidden_drop_rate: float | None = None,
    ):
        super().__init__()
        self.fc1 = nn.Linear(dim, hidden_dim)
        self.act = nn.GELU()
        self.hidden_drop = nn.Dropout(drop_rate if hidden_drop_rate is None else hidden_drop_rate)
        self.fc2 = nn.Linear(hidden_dim, dim)
        self.drop = nn.Dropout(drop_rate)

    def forward(self, x: Tensor) -> Tensor:
        """(..., D) -> (..., D)."""
        return self.drop(self.fc2(self.hidden_drop(self.act(self.fc1(x)))))
