"""A table that summarizes a training run."""

from collections.abc import Iterator
from math import ceil

import torch
from mmengine.config import Config, ConfigDict
from mmengine.device import get_device
from mmengine.logging import MMLogger
from mmengine.optim import build_optim_wrapper
from mmengine.registry import DefaultScope
from rich.filesize import decimal
from rich.table import Table
from torch import nn

from vitae_mm.engine.complexity import count_macs, count_parameters, input_size
from vitae_mm.engine.config import type_name
from vitae_mm.engine.optim.mixed_precision import choose_dtype
from vitae_mm.errors import InputError

from .findings import Findings
from .report import Report
from .rules import checkpoint_bytes, free_bytes


def summarize_training(cfg: Config, findings: Findings, report: Report, processes: int) -> Table:
    """Returns a table of model, data, schedule and optimizer; writes no files.

    Args:
        cfg: Config of a training run.
        findings: Results of its checks.
        report: Findings of its rehearsal.
        processes: Number of training processes.

    Raises:
    """
    table = Table(title='dry run: all checks passed, no files written', show_header=False)
    with DefaultScope.overwrite_default_scope(cfg.get('default_scope')):
        for name, text in _rows(cfg, findings, report, processes):
            table.add_row(name, text)
    return table


def _rows(
    cfg: Config, findings: Findings, report: Report, processes: int
) -> Iterator[tuple[str, str]]:
    model = findings.model
    yield 'model', _network(model)
    yield 'parameters', _parameters(model)
    yield 'GMACs', _gmacs(cfg, model)
    yield from report.rows
    yield 'batch', _batch(cfg, processes)
    yield 'schedule', _schedule(cfg, report.steps)
    yield from _optimizer(cfg, model, processes)
    yield 'precision', _precision(cfg)
    yield 'devices', _devices(cfg, processes)
    for line in findings.weights or ['random weights']:
        yield 'starts from', line
    free, needed = free_bytes(cfg.work_dir), checkpoint_bytes(cfg, model)
    text = f'{decimal(free)} free, a checkpoint takes about {decimal(needed)}'
    yield 'work dir', f'{cfg.work_dir}: {text}'
    yield from (('remark', remark) for remark in report.remarks)


def _network(model: nn.Module) -> str:
    backbone = getattr(model, 'backbone', None)
    if backbone is None:
        return type(model).__name__
    arch = getattr(backbone, 'arch', None)
    named = f' {arch!r}' if isinstance(arch, str) else ''
    return f'{type(model).__name__}, backbone {type(backbone).__name__}{named}'


def _parameters(model: nn.Module) -> str:
    trained = sum(p.numel() for p in model.parameters() if p.requires_grad)
    return f'{count_parameters(model) / 1e6:.2f}M, {trained / 1e6:.2f}M trainable'


def _gmacs(cfg: Config, model: nn.Module) -> str:
    if not cfg.get('test_dataloader'):
        return 'not counted: no test_dataloader'
    try:
        height, width = input_size(cfg)
    except InputError:
        return 'not counted: the test pipeline does not resize images'
    try:
        macs = count_macs(model, (height, width))
    except Exception as error:
        # networks of other projects can be trained even if they cannot be counted
        return f'not counted ({type(error).__name__})'
    return f'{macs / 1e9:.2f} for a test image of {height}x{width}'


def _batch(cfg: Config, processes: int) -> str:
    samples, times = cfg.train_dataloader.batch_size, _accumulated(cfg)
    return (
        f'processes {processes} x samples {samples} x accumulation {times} = '
        f'{processes * samples * times}'
    )


def _accumulated(cfg: Config) -> int:
    return cfg.optim_wrapper.get('accumulative_counts', 1)


def _schedule(cfg: Config, steps: int | None) -> str:
    """Epochs or iterations, and steps per process."""
    epochs, total = cfg.train_cfg.get('max_epochs'), cfg.train_cfg.get('max_iters')
    if steps is None:
        return (
            f'{total:,} steps'
            if epochs is None
            else f'epochs {epochs}; steps unknown until the data are downloaded'
        )
    if epochs is None:
        text = f'{total:,} steps, {total / max(steps, 1):.1f} epochs'
    else:
        total = epochs * steps
        text = f'epochs {epochs} x steps {steps:,} = {total:,} steps'
    times = _accumulated(cfg)
    return text if times == 1 else f'{text}, {ceil(total / times):,} updates'


def _optimizer(cfg: Config, model: nn.Module, processes: int) -> Iterator[tuple[str, str]]:
    groups = _parameter_groups(cfg, model)
    yield 'optimizer', type_name(cfg.optim_wrapper.optimizer)
    yield 'learning rate', _learning_rate(cfg, [group['lr'] for group in groups], processes)
    decays = [group.get('weight_decay', 0) for group in groups for _ in group['params']]
    zero = f', 0 on {decays.count(0)} of {len(decays)} tensors' if min(decays) < max(decays) else ''
    yield 'weight decay', f'{max(decays):g}{zero}'


def _parameter_groups(cfg: Config, model: nn.Module) -> list[dict]:
    # groups do not depend on the precision, and mixed precision may require a GPU
    options = {
        key: cfg.optim_wrapper[key]
        for key in ('optimizer', 'constructor', 'paramwise_cfg')
        if key in cfg.optim_wrapper
    }
    logger = MMLogger.get_current_instance()
    level = logger.level
    # mmengine logs the options of each parameter
    logger.setLevel('WARNING')
    groups = build_optim_wrapper(model, dict(options, type='OptimWrapper')).optimizer.param_groups
    logger.setLevel(level)
    return groups


def _learning_rate(cfg: Config, rates: list[float], processes: int) -> str:
    scaled = ''
    scaling = cfg.get('auto_scale_lr') or ConfigDict()
    if scaling.get('enable'):
        # mmengine does not count accumulated batches
        ratio = processes * cfg.train_dataloader.batch_size / scaling.base_batch_size
        rates = [rate * ratio for rate in rates]
        scaled = f', scaled by {ratio:g}'
    decay = (cfg.optim_wrapper.get('paramwise_cfg') or {}).get('layer_decay_rate')
    span = f'{max(rates):.3g}'
    if min(rates) < max(rates):
        span = f'{min(rates):.3g} to {span}'
    layers = f', times {decay:g} per layer' if decay else ''
    return f'{span}{layers}{scaled}'


def _precision(cfg: Config) -> str:
    kind = type_name(cfg.optim_wrapper) or 'OptimWrapper'
    dtype = cfg.optim_wrapper.get('dtype')
    if kind == 'MixedPrecisionOptimWrapper':
        return f'mixed with {choose_dtype(dtype or "auto", get_device())}'
    if kind == 'AmpOptimWrapper':
        return f'mixed with {dtype or "float16"}'
    return 'float32' if kind == 'OptimWrapper' else kind


def _devices(cfg: Config, processes: int) -> str:
    shared = f', {type_name(cfg.strategy)}' if cfg.get('strategy') else ''
    if torch.cuda.is_available():
        return f'{processes} x {torch.cuda.get_device_name()}{shared}'
    return f'CPU{shared}'
