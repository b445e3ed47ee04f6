from torch import Tensor, nn


class FeedForward(nn.Module):
    """Position-wise feed-forward network (FFN): linear, GELU, linear.

    As in every transformer block of ViTAE; Attention Is All You Need, Sec. 3.3.

    Args:
        dim (int): Channels of input and output.
        hidden_dim (int): Channels in between.
        drop_rate (float): Dropout after the last linear. Defaults to 0.
        hidden_drop_rate (float, optional): Dropout after the GELU. Defaults
            to ``drop_rate``.
    """

    def __init__(
        self,
        dim: int,
        hidden_dim: int,
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
