"""Time and memory of networks, measured in turns."""
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median, quantiles

import torch
from mmengine.config import Config
from torch import Tensor, nn
from torch.profiler import ProfilerActivity, profile

from vitae_mm.errors import InputError

from .complexity import build_model

MODES = ('forward', 'train')
DTYPES = ('float32', 'bfloat16', 'float16')


@dataclass(frozen=True)
class Case:
    """What is measured: a name, and a step of one network."""
    name: str
    step: Callable[[], None]


@dataclass(frozen=True)
class Timing:
    """Seconds of a step in each round."""
    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        return median(self.seconds)

    @property
    def spread(self) -> float:
        """Distance of the quartiles, as a share of the median."""
        first, _, last = quantiles(self.seconds, n=4)
        return (last - first) / self.median

    def ratio_to(self, other: 'Timing') -> float:
        """Median over the rounds of this one's time by the other's, so that
        what slows the machine down for a while cancels out."""
        return median(a / b for a, b in zip(self.seconds, other.seconds, strict=True))


def build_case(name: str, cfg: Config, mode: str, images: Tensor, dtype: str = 'float32',
               compiled: bool = False) -> Case:
    """A step of a config's network, from random weights.

    Of models other than classifiers and masked autoencoders the backbone is
    measured.

    Args:
        name: For the table.
        cfg: Of any of the codebases.
        mode: 'forward' in eval mode without gradients; of a masked
            autoencoder up to its loss, since it predicts nothing else. Or
            'train': forward, loss and backward, without the optimizer.
        images: Normalised, (B, C, H, W), on the device to measure on.
        dtype: 'float32', else that of autocast.
        compiled: With ``torch.compile`` of the backbone.

    Returns:
        The case; its step returns nothing and leaves no gradients.
    """
    model = build_model(cfg)
    if cfg.get('default_scope') != 'mmpretrain':
        model = model.backbone
    model = model.to(images.device)
    if compiled:
        getattr(model, 'backbone', model).compile()
    loss, predict = _passes(model, images, cfg)
    kind = getattr(torch, dtype)

    def forward() -> None:
        with torch.no_grad(), torch.autocast(images.device.type, kind, kind != torch.float32):
            predict()

    def train() -> None:
        with torch.autocast(images.device.type, kind, kind != torch.float32):
            value = loss()
        value.backward()
        model.zero_grad(set_to_none=True)

    model.train(mode == 'train')
    return Case(name, train if mode == 'train' else forward)


def _passes(model: nn.Module, images: Tensor, cfg: Config
            ) -> tuple[Callable[[], Tensor], Callable[[], object]]:
    """How the loss of these images is computed, and what a forward pass is."""
    if cfg.get('default_scope') != 'mmpretrain':
        def loss() -> Tensor:
            return sum(features.float().square().mean() for features in model(images))
        return loss, lambda: model(images)
    from mmpretrain.models import BaseClassifier
    from mmpretrain.structures import DataSample
    if isinstance(model, BaseClassifier):
        samples = [DataSample().set_gt_label(0).to(images.device) for _ in images]
        return lambda: model(images, samples, mode='loss')['loss'], lambda: model(images)

    def loss() -> Tensor:
        return model(images, None, mode='loss')['loss']
    return loss, loss


def measure(cases: Sequence[Case], rounds: int, warm_up: int, device: torch.device
            ) -> dict[str, Timing]:
    """Times a step of each case in each round, one after another.

    Args:
        cases: Of different names.
        rounds: How many steps of each are timed, 2 or more.
        warm_up: How many rounds come before, untimed.
        device: Where they run.

    Returns:
        By name.

    Raises:
        InputError: If two have the same name.
    """
    seconds = {case.name: [] for case in cases}
    if len(seconds) < len(cases):
        raise InputError('two of the networks have the same name: give each once.')
    for index in range(-warm_up, rounds):
        for case in cases:
            _synchronize(device)
            start = time.perf_counter()
            case.step()
            _synchronize(device)
            if index >= 0:
                seconds[case.name].append(time.perf_counter() - start)
    return {name: Timing(tuple(values)) for name, values in seconds.items()}


def peak_bytes(step: Callable[[], None], device: torch.device) -> int:
    """Most memory that a step takes at once, beside what is held before it, as
    weights are.

    Args:
        step: What is measured.
        device: Where it runs.

    Returns:
        Bytes that PyTorch's allocator gave out.
    """
    if device.type == 'cuda':
        held = torch.cuda.memory_allocated(device)
        torch.cuda.reset_peak_memory_stats(device)
        step()
        return torch.cuda.max_memory_allocated(device) - held
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        step()
    events = [event for event in profiler.profiler.kineto_results.events()
              if event.name() == '[memory]']
    held = peak = 0
    for event in sorted(events, key=lambda event: event.start_ns()):
        held += event.nbytes()
        peak = max(peak, held)
    return peak


def _synchronize(device: torch.device) -> None:
    if device.type == 'cuda':
        torch.cuda.synchronize(device)
