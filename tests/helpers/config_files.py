"""Reads and builds the configs."""

import copy
import re
import textwrap
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config, utils
from mmengine.dataset import BaseDataset
from mmengine.model import BaseModel
from mmengine.optim import build_optim_wrapper
from mmengine.registry import DATASETS, MODELS, DefaultScope
from mmengine.runner import Runner
from torch import nn

from vitae_mm.analysis.experiment import Training
from vitae_mm.analysis.experiments import EXPERIMENTS

ROOT = Path(__file__).parents[2] / 'configs'
CONFIGS = sorted(
    path.relative_to(ROOT).as_posix()
    for path in ROOT.glob('*/**/*.py')
    if '_base_' not in path.parts
)
SCALED = ('vitaev2_s', 'vitaev2_48m', 'vitaev2_b', 'swin_t', 'r50')
"""Backbones with feature maps of four scales."""
BACKBONE_KEYS = ('backbone', 'channels', 'pretrained', 'classifier', 'segmentation', 'pose')
"""What a file of configs/_base_/backbones defines, for configs to use."""

# mmengine reads all metafiles of a package each time it looks for a base there
utils.load = cache(utils.load)


def of_task(task: str) -> list[str]:
    """The names of configs in a folder of configs."""
    return [name for name in CONFIGS if name.startswith(task + '/')]


def read(name: str) -> Config:
    return copy.deepcopy(_read(name))


@cache
def _read(name: str) -> Config:
    return Config.fromfile(ROOT / name)


def trainings(*presets: str) -> list[Training]:
    """The trainings of the experiments in these presets, each once."""
    return list(
        dict.fromkeys(
            training
            for experiment in EXPERIMENTS.values()
            for preset in presets
            for row in experiment.presets.get(preset, ())
            for training in row.trainings
        )
    )


def read_training(training: Training) -> Config:
    """The config of a training, with its options."""
    cfg = read(training.config.removeprefix('configs/'))
    cfg.merge_from_dict(training.overrides())
    return cfg


def build(cfg: Config) -> nn.Module:
    """The model as the runner builds it, with random weights."""
    model_cfg = copy.deepcopy(cfg.model)
    if 'data_preprocessor' in cfg:
        model_cfg.setdefault('data_preprocessor', cfg.data_preprocessor)
    model_cfg.backbone.pop('init_cfg', None)
    scope = cfg.default_scope
    with (
        DefaultScope.overwrite_default_scope(scope),
        MODELS.switch_scope_and_registry(scope) as registry,
    ):
        return registry.build(model_cfg)


def distinct(names: list[str]) -> list[str]:
    """One config of each network, regardless of its weights."""
    seen = {}
    for name in names:
        model = read(name).model.to_dict()
        model['backbone'].pop('init_cfg', None)
        seen.setdefault(repr(model), name)
    return list(seen.values())


def steps(
    cfg: Config,
    batch: dict,
    test_batch: dict | None = None,
    predict: Callable = BaseModel.test_step,
) -> list:
    """Runs a training step, checks that every trained parameter gets a gradient, and
    returns what a test step predicts."""
    torch.manual_seed(0)
    np.random.seed(0)
    model = build(cfg)
    with DefaultScope.overwrite_default_scope(cfg.default_scope):
        return _steps(cfg, model, batch, test_batch or batch, predict)


def _steps(cfg: Config, model: nn.Module, batch: dict, test_batch: dict, predict: Callable) -> list:
    model.init_weights()
    optimizer = build_optim_wrapper(model, cfg.optim_wrapper)
    # in a run of one step, that step updates the weights even if gradients accumulate
    optimizer.initialize_count_status(model, 0, 1)
    before = [p.detach().clone() for p in model.parameters()]
    model.train()
    trained, reached = [p for p in model.parameters() if p.requires_grad], set()
    for p in trained:
        p.register_post_accumulate_grad_hook(lambda p: reached.add(id(p)))
    losses = model.train_step(copy.deepcopy(batch), optimizer)
    assert all(torch.isfinite(value).all() for value in losses.values())
    assert all(id(p) in reached for p in trained)
    assert any(not torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True))
    model.eval()
    with torch.no_grad():
        return predict(model, test_batch)


def from_guide(word: str, folder: Path) -> Config:
    """The config of docs/own_data.md that contains a word."""
    guide = (ROOT.parent / 'docs' / 'own_data.md').read_text()
    found = re.findall(r' *```python\n(.*?)```', guide, re.DOTALL)
    blocks = [textwrap.dedent(block) for block in found]
    code = next(block for block in blocks if '_base_ = [' in block and word in block)
    assert len(code.splitlines()) <= 30
    (folder / 'guide.py').write_text(code.replace("'../_base_", f"'{ROOT}/_base_"))
    return Config.fromfile(folder / 'guide.py')


def learning_rates(cfg, folder, epoch_length=4):
    """The learning rate of each iteration, as the runner schedules it."""
    runner = Runner(
        nn.Linear(1, 1),
        str(folder),
        train_dataloader=torch.utils.data.DataLoader(range(epoch_length)),
        train_cfg=cfg.train_cfg,
        optim_wrapper=cfg.optim_wrapper,
        default_scope=cfg.default_scope,
        param_scheduler=cfg.param_scheduler,
        experiment_name=folder.name,
    )
    runner._train_loop = runner.build_train_loop(runner._train_loop)
    runner.optim_wrapper = runner.build_optim_wrapper(runner.optim_wrapper)
    schedulers = runner.build_param_scheduler(cfg.param_scheduler)
    assert not any(scheduler.by_epoch for scheduler in schedulers)
    rates = []
    for _ in range(runner.max_iters):
        rates.append(runner.optim_wrapper.get_lr()['lr'][0])
        runner.optim_wrapper.optimizer.step()
        for scheduler in schedulers:
            scheduler.step()
    return np.array(rates).reshape(-1, epoch_length)


def check_schedule(rates: np.ndarray, epochs: int, peak: float, warm_up: int) -> None:
    """Checks that rates rise from 1e-6 to their peak in the warm-up epochs, then fall."""
    assert len(rates) == epochs
    assert rates[0, 0] == pytest.approx(1e-6)
    assert rates[warm_up - 1, -1] == rates[warm_up, 0] == pytest.approx(peak)
    flat = rates.ravel()
    top = flat.argmax()
    assert (np.diff(flat[:top]) > 0).all() and (np.diff(flat[top + 1 :]) < 0).all()
    # halfway through the cosine
    middle = warm_up + (epochs - warm_up) // 2
    assert rates[middle, 0] == pytest.approx((peak + 1e-5) / 2, rel=0.02)
    assert rates[-1, -1] == pytest.approx(1e-5, rel=0.02)


def build_dataset(node: dict, scope: str) -> BaseDataset:
    """A dataset as a run with this default scope builds it."""
    with (
        DefaultScope.overwrite_default_scope(scope),
        DATASETS.switch_scope_and_registry(scope) as registry,
    ):
        return registry.build(node)


def code(name: str) -> list[str]:
    """The lines of a config without its comment lines."""
    return [line for line in (ROOT / name).read_text().splitlines() if not line.startswith('#')]


def check_one_line(form: str, part: str) -> None:
    """Checks that the configs of a method differ in one line between backbones."""
    names = [form.format(backbone) for backbone in SCALED if form.format(backbone) in CONFIGS]
    assert len(names) > 2
    first, *others = map(code, names)
    for other in others:
        differ = [a for a, b in zip(first, other, strict=True) if a != b]
        assert len(differ) == 1 and part in differ[0]
