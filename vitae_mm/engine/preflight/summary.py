"""What a training would be, in a table."""

from collections.abc import Iterator
from math import ceil

import torch
from mmengine.config import Config
from mmengine.logging import MMLogger
from mmengine.optim import build_optim_wrapper
from mmengine.registry import DefaultScope
from rich.filesize import decimal
from rich.table import Table
from torch import nn
from torch.utils.data import DataLoader

from vitae_mm.engine.complexity import count_macs, count_parameters, input_size
from vitae_mm.engine.config import dicts, type_name
from vitae_mm.errors import InputError

from .findings import Findings
from .loader import build_loader, check_loader
from .work_dir import checkpoint_bytes, free_bytes

PRECISIONS = dict(OptimWrapper='float32', BFloat16OptimWrapper='mixed with bfloat16')
"""What a type of optim_wrapper computes in, if it has no option for that."""

UNKNOWN = 'not known before the data are downloaded'


def summarise(cfg: Config, findings: Findings, processes: int) -> Table:
    """A table of model, data, schedule and optimizer. Nothing is written.

    Args:
        cfg: Of a training.
        findings: Of its checks.
        processes: How many will train.

    Raises:
        InputError: If there is nothing to train on.
    """
    table = Table(title='dry run: all checks passed, nothing is written', show_header=False)
    with DefaultScope.overwrite_default_scope(cfg.get('default_scope')):
        for name, text in _rows(cfg, findings, processes):
            table.add_row(name, text)
    return table


def _rows(cfg: Config, findings: Findings, processes: int) -> Iterator[tuple[str, str]]:
    model, loader = findings.model, build_loader(cfg, 'train')
    steps = None if loader is None else check_loader(loader, processes)
    yield 'model', _network(model)
    yield 'parameters', _parameters(model)
    yield 'GMACs', _gmacs(cfg, model)
    yield 'training data', _length(loader)
    if cfg.get('val_dataloader'):
        yield 'validation data', _length(build_loader(cfg, 'val'))
    for line in findings.annotations:
        yield 'annotations', line
    yield 'batch', _batch(cfg, processes)
    yield 'schedule', _schedule(cfg, steps)
    yield from _optimizer(cfg, model, processes)
    yield 'precision', _precision(cfg)
    yield 'devices', _devices(cfg, processes)
    for line in findings.weights or ['random weights']:
        yield 'starts from', line
    yield (
        'work dir',
        (
            f'{cfg.work_dir}: {decimal(free_bytes(cfg.work_dir))} free, a checkpoint '
            f'takes about {decimal(checkpoint_bytes(cfg, model))}'
        ),
    )


def _network(model: nn.Module) -> str:
    backbone = getattr(model, 'backbone', None)
    if backbone is None:
        return type(model).__name__
    arch = getattr(backbone, 'arch', None)
    named = f' {arch!r}' if isinstance(arch, str) else ''
    return f'{type(model).__name__}, backbone {type(backbone).__name__}{named}'


def _parameters(model: nn.Module) -> str:
    trained = sum(p.numel() for p in model.parameters() if p.requires_grad)
    return f'{count_parameters(model) / 1e6:.2f}M, {trained / 1e6:.2f}M of them trained'


def _gmacs(cfg: Config, model: nn.Module) -> str:
    if not cfg.get('test_dataloader'):
        return 'not counted, as nothing is tested'
    try:
        height, width = input_size(cfg)
    except InputError:
        return 'not counted, as the test pipeline leaves images at their sizes'
    try:
        macs = count_macs(model, (height, width))
    except Exception as error:
        # networks of other projects may do what cannot be counted; training them can go on
        return f'not counted ({type(error).__name__})'
    return f'{macs / 1e9:.2f} for one image of {height}x{width} in testing'


def _length(loader: DataLoader | None) -> str:
    if loader is None:
        return UNKNOWN
    return f'{len(loader.dataset):,} samples of {type(loader.dataset).__name__}'


def _batch(cfg: Config, processes: int) -> str:
    samples, times = cfg.train_dataloader.batch_size, _accumulated(cfg)
    return (
        f'processes {processes} x samples {samples} x accumulation {times} = '
        f'{processes * samples * times}'
    )


def _accumulated(cfg: Config) -> int:
    return cfg.optim_wrapper.get('accumulative_counts', 1)


def _schedule(cfg: Config, steps: int | None) -> str:
    """Epochs or iterations, and the steps of each process."""
    epochs, total = cfg.train_cfg.get('max_epochs'), cfg.train_cfg.get('max_iters')
    if steps is None:
        return f'{total:,} steps' if epochs is None else f'epochs {epochs}; steps {UNKNOWN}'
    if epochs is None:
        text = f'{total:,} steps, {total / max(steps, 1):.1f} times through the data'
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
    free = f', 0 on {decays.count(0)} of {len(decays)} tensors' if min(decays) < max(decays) else ''
    yield 'weight decay', f'{max(decays):g}{free}'


def _parameter_groups(cfg: Config, model: nn.Module) -> list[dict]:
    # they are the same in any precision, and mixed ones may ask for a GPU
    options = {
        key: cfg.optim_wrapper[key]
        for key in ('optimizer', 'constructor', 'paramwise_cfg')
        if key in cfg.optim_wrapper
    }
    logger = MMLogger.get_current_instance()
    level = logger.level
    # else mmengine tells the options of each parameter
    logger.setLevel('WARNING')
    groups = build_optim_wrapper(model, dict(options, type='OptimWrapper')).optimizer.param_groups
    logger.setLevel(level)
    return groups


def _learning_rate(cfg: Config, rates: list[float], processes: int) -> str:
    scaling, scaled = cfg.get('auto_scale_lr') or {}, ''
    if scaling.get('enable'):
        # as mmengine does it, which leaves accumulation out
        ratio = processes * cfg.train_dataloader.batch_size / scaling.base_batch_size
        rates = [rate * ratio for rate in rates]
        scaled = f', scaled by {ratio:g}'
    decay = (cfg.optim_wrapper.get('paramwise_cfg') or {}).get('layer_decay_rate')
    span = (
        f'{max(rates):.3g}'
        if max(rates) == min(rates)
        else (f'{min(rates):.3g} to {max(rates):.3g}')
    )
    layers = f', times {decay:g} a layer' if decay else ''
    changes = ', then '.join(_changes(cfg, max(rates)))
    return f'{span}{layers}{scaled}' + (f'; {changes}' if changes else '')


def _changes(cfg: Config, rate: float) -> Iterator[str]:
    """What the schedulers do, in their order."""
    for scheduler in dicts(cfg.get('param_scheduler')):
        unit = 'epochs' if scheduler.get('by_epoch', True) else 'steps'
        if type_name(scheduler) == 'LinearLR':
            first = scheduler.get('start_factor', 1 / 3) * rate
            yield f'warm-up from {first:.3g} over {scheduler.get("end")} {unit}'
        else:
            yield type_name(scheduler)


def _precision(cfg: Config) -> str:
    kind = type_name(cfg.optim_wrapper) or 'OptimWrapper'
    if kind == 'AmpOptimWrapper':
        return f'mixed with {cfg.optim_wrapper.get("dtype") or "float16"}'
    return PRECISIONS.get(kind, kind)


def _devices(cfg: Config, processes: int) -> str:
    shared = f', {type_name(cfg.strategy)}' if cfg.get('strategy') else ''
    if torch.cuda.is_available():
        return f'one {torch.cuda.get_device_name()} for each of {processes}{shared}'
    return f'CPU{shared}'
