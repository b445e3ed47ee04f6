"""Rehearsing a run: what would fail or score wrongly later does so before the first step."""

import contextlib
import copy
import gc
import io
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from mmengine.evaluator import Evaluator
from mmengine.logging import MMLogger
from mmengine.optim import LinearParamScheduler
from mmengine.registry import DefaultScope
from mmengine.runner import IterBasedTrainLoop, Runner
from rich.console import Console
from torch.utils.data import DataLoader

from vitae_mm.engine.config import iter_dicts
from vitae_mm.engine.distributed import replace_sync_bn
from vitae_mm.engine.hooks.sample_check import (
    PADDING,
    ignored_labels,
    report_files,
    unwrap_datasets,
)
from vitae_mm.engine.schedule import learning_rates
from vitae_mm.engine.screen import file_handlers
from vitae_mm.errors import InputError, describe_error

from .anchors import check_anchors
from .counts import count_data
from .findings import Findings
from .perfect import Scored, Truth, score_perfect_predictions
from .rates import report_rates
from .report import Report
from .rules import (
    build_loader,
    check_data,
    check_loader,
    checkpoint_bytes,
    class_counts,
    nearest_folder,
)
from .samples import label_names
from .steps import check_saving, evaluation_batches, evaluation_step, train_step, training_batches

OUTPUTS = ('outfile_prefix', 'output_dir', 'out_file_path')
"""Options of evaluators that name files to write."""


def rehearse(cfg: Config, findings: Findings, processes: int, data_only: bool = False) -> Report:
    """Runs a training in miniature, in a temporary folder.

    With the datasets, evaluators, model, optimizer and hooks of the config, it

    - counts what the datasets contain,
    - feeds the ground truth of the validation and test sets to their evaluators as predictions,
      which must score perfectly,
    - compares the anchors of a detector with its objects,
    - trains one step each at the sizes of the first and the last batch of an epoch, on a model of
      its own, and saves, reads and compares a checkpoint,
    - evaluates a batch, with images of two sizes if there are any, and calls the hooks that run
      after a validation, and
    - steps the schedulers through the run.

    Args:
        cfg: Config of a training run; not changed.
        findings: Results of the static checks.
        processes: Number of training processes.
        data_only: Only read the data. Defaults to False.

    Returns:
        What it found. If the data are not downloaded yet, a remark says so.

    Raises:
        InputError: If something fails or a score is not perfect.
    """
    # restores the registries of the codebase that the runner of the rehearsal selects
    with DefaultScope.overwrite_default_scope(cfg.get('default_scope')):
        report = _Rehearsal(cfg, findings, processes).run(data_only)
    # its runner and training loop refer to each other
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    return report


class _Rehearsal:
    def __init__(self, cfg: Config, findings: Findings, processes: int):
        self.cfg = copy.deepcopy(cfg)
        self.findings = findings
        self.processes = processes
        self.report = Report()
        self.loaders: dict[str, DataLoader] = {}
        self.scored = Scored()
        self.classes = max((count for _, count in class_counts(self.cfg)), default=0)
        self.status = Console(stderr=True).status('rehearsal')

    def run(self, data_only: bool) -> Report:
        needed = 3 * checkpoint_bytes(self.cfg, self.findings.model)
        roomy = shutil.disk_usage(tempfile.gettempdir()).free > needed
        place = None if roomy else nearest_folder(self.cfg.work_dir)
        with self.status, tempfile.TemporaryDirectory(dir=place) as folder:
            adapt(self.cfg, folder, self.processes)
            if not self._read_data() or data_only:
                return self.report
            self._count()
            with self._stage('building the run'):
                runner = Runner.from_cfg(self.cfg)
                runner._train_dataloader = self.loaders['train']
                runner._val_dataloader = self.loaders.get('val')
                loop: Any = runner.build_train_loop(runner._train_loop)
                loop.run = lambda: self._perform(runner, folder)
                runner._train_loop = loop
            try:
                with self._stage('the run'):
                    runner.train()
            finally:
                close_log_files()
        return self.report

    @contextlib.contextmanager
    def _stage(self, name: str) -> Iterator[None]:
        """Shows a stage, silences the packages and reports errors in it."""
        self.status.update(f'rehearsal: {name}')
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                yield
        except InputError:
            raise
        except Exception as error:
            raise InputError(
                f'rehearsal: {name} fails ({describe_error(error)}): fix it, or skip the rehearsal '
                'with --no-rehearsal.'
            ) from error

    def _read_data(self) -> bool:
        """Builds the data loaders; returns whether there are data."""
        for split in ('train', 'val', 'test'):
            name = f'{split}_dataloader'
            if not self.cfg.get(name) or isinstance(self.cfg[name], Sequence):
                continue
            if split == 'test' and self.cfg[name] == self.cfg.get('val_dataloader'):
                continue
            try:
                if split == 'test':
                    check_data(self.cfg, ('test',))
                with self._stage(f'reading {name}'):
                    loader = build_loader(self.cfg, split)
            except InputError as error:
                if split != 'test':
                    raise
                # training does not need it
                self.report.remarks.append(f'the test set is not rehearsed: {error}')
                continue
            if loader is None:
                self.report.remarks.append(f'{name}: not rehearsed until the data are downloaded.')
                return False
            self.loaders[split] = loader
            dataset: Any = loader.dataset
            text = f'{len(dataset):,} samples of {type(dataset).__name__}'
            self.report.rows.append((f'{split} data', text))
        self.report.steps = check_loader(self.loaders['train'], self.processes)
        return True

    def _count(self) -> None:
        for split, loader in self.loaders.items():
            ignored = ignored_labels(self.findings.model)
            if split != 'train':
                # metrics may ignore other labels than losses
                metrics = iter_dicts(self.cfg.get(f'{split}_evaluator'))
                ignored |= {metric.get('ignore_index', PADDING) for metric in metrics}
            with self._stage(f'counting {split}_dataloader'):
                count_data(
                    split,
                    loader.dataset,
                    summaries=self.findings.coco.get(split, ()),
                    ignored=sorted(ignored),
                    classes=self.classes,
                    report=self.report,
                )
            report_files(loader.dataset, ignored)
        if {'train', 'val'} <= self.loaders.keys():
            shared = len(image_files(self.loaders['train']) & image_files(self.loaders['val']))
            if shared:
                self.report.remarks.append(
                    f'{shared:,} images of the validation data are also in the training data.'
                )

    def _perform(self, runner: Runner, folder: str) -> torch.nn.Module:
        """Takes the place of the training loop."""
        for split in ('val', 'test'):
            self._score(runner, split)
        runner.call_hook('before_train')
        runner.call_hook('before_train_epoch')
        runner.model.train()
        train = self.loaders['train']
        with self._stage('reading the first training batch'):
            batches = list(training_batches(train, self.processes))
        with self._stage('comparing anchors with objects'):
            check_anchors(runner.model, train.dataset, self.report)
        for index, samples in enumerate(batches):
            what = 'the first batch' if index == 0 else 'the last batch of an epoch'
            with self._stage(f'a training step with {len(samples)} samples, {what},'):
                train_step(runner, train.collate_fn(samples), index)
        with self._stage('saving a checkpoint'):
            check_saving(runner, folder)
        runner.call_hook('after_train_epoch')
        if runner.val_loop is not None:
            self._evaluate(runner)
        runner.call_hook('after_train')
        with self._stage('stepping the schedulers'):
            self._schedule(runner)
        return runner.model

    def _score(self, runner: Runner, split: str) -> None:
        """Feeds the evaluator of a split with perfect predictions."""
        config, loader = self.cfg.get(f'{split}_evaluator'), self.loaders.get(split)
        if not config or loader is None:
            return
        truth = Truth(
            dataset=loader.dataset,
            collate=loader.collate_fn,
            names=self._names(split),
            taught=self._names('train'),
            classes=self.classes,
        )
        with self._stage(f'scoring perfect predictions with {split}_evaluator'):
            evaluator: Evaluator = runner.build_evaluator(copy.deepcopy(config))
            scored = score_perfect_predictions(f'{split}_evaluator', evaluator, truth, self.report)
        if split == 'val':
            self.scored = scored

    def _names(self, split: str) -> dict[int, str]:
        return label_names(self.loaders[split].dataset, self.findings.coco.get(split, ()))

    def _evaluate(self, runner: Runner) -> None:
        """Runs a validation on a batch, with the scores of perfect predictions."""
        loader: DataLoader = self.loaders['val']
        evaluator: Evaluator = runner.val_evaluator
        for hook in runner.hooks:
            # those that draw predictions do it at every interval
            if hasattr(hook, '_visualizer') and hasattr(hook, 'interval'):
                hook.interval = 1
        runner.call_hook('before_val')
        runner.call_hook('before_val_epoch')
        runner.model.eval()
        for index, samples in enumerate(evaluation_batches(loader, self.scored.sizes)):
            with self._stage(f'predicting a validation batch of {len(samples)} samples'):
                batch = loader.collate_fn(samples)
                outputs = evaluation_step(runner, batch, index)
            with self._stage('evaluating a validation batch'):
                evaluator.process(data_samples=outputs, data_batch=batch)
        with self._stage('the hooks after a validation, such as save_best of the checkpoint hook,'):
            if self.scored.scores is not None:
                runner.call_hook('after_val_epoch', metrics=dict(self.scored.scores))
            runner.call_hook('after_val')

    def _schedule(self, runner: Runner) -> None:
        """Reports the learning rates of the whole run."""
        loop: Any = runner.train_loop
        steps = self.report.steps or 0
        loop.dataloader = range(steps)  # its length in each process
        by_iter = isinstance(loop, IterBasedTrainLoop)
        if not by_iter:
            loop._max_iters = loop.max_epochs * steps
        # anew, as the training steps have used the others
        runner.param_schedulers = None
        runner.optim_wrapper = runner.build_optim_wrapper(self.cfg.optim_wrapper.copy())
        runner.scale_lr(runner.optim_wrapper, runner.auto_scale_lr)
        base = max(runner.optim_wrapper.get_lr()['lr'])
        schedulers = runner.build_param_scheduler(self.cfg.get('param_scheduler') or [])
        warm_ups = [
            scheduler.end * (steps if scheduler.by_epoch else 1)
            for scheduler in schedulers
            if isinstance(scheduler, LinearParamScheduler)
        ]
        rates = learning_rates(
            runner.optim_wrapper,
            schedulers,
            iters=loop.max_iters,
            epoch_length=None if by_iter else steps,
        )
        report_rates(np.fromiter(rates, float), base=base, warm_ups=warm_ups, report=self.report)


def image_files(loader: DataLoader) -> set[str]:
    """Returns the paths of the images of a data loader."""
    return {
        info['img_path']
        for leaf in unwrap_datasets(loader.dataset)
        if hasattr(leaf, 'get_data_info')
        for info in map(leaf.get_data_info, range(len(leaf)))
        if 'img_path' in info
    }


def adapt(cfg: Config, folder: str, processes: int) -> None:
    """Changes a config such that a run of it is one process that writes to a folder alone.

    Args:
        cfg: Config of a training run, changed in place.
        folder: Where its runner may write.
        processes: Number of processes of the real run, for the learning rate.
    """
    cfg.work_dir, cfg.launcher, cfg.load_from, cfg.resume = folder, 'none', None, False
    # mmengine keeps loggers and visualizers by name: not those of the run, nor its trackers
    cfg.experiment_name, cfg.log_level = f'rehearsal_{Path(folder).name}', 'ERROR'
    cfg.visualizer = {
        **(cfg.get('visualizer') or dict(type='Visualizer')),
        'name': cfg.experiment_name,
        'vis_backends': [dict(type='LocalVisBackend')],
        'save_dir': folder,
    }
    for entry in ('strategy', 'runner_type', 'compile', 'model_wrapper_cfg'):
        cfg.pop(entry, None)
    replace_sync_bn(cfg.model)
    _skip_downloads(cfg.model)
    for split in ('train', 'val', 'test'):
        for loader in iter_dicts(cfg.get(f'{split}_dataloader')):
            loader.update(num_workers=0, persistent_workers=False)
            loader.pop('prefetch_factor', None)
        for evaluator in iter_dicts(cfg.get(f'{split}_evaluator')):
            for option in OUTPUTS:
                if evaluator.get(option):
                    suffix = '.pkl' if option == 'out_file_path' else ''
                    evaluator[option] = f'{folder}/{split}{suffix}'
    for hook in (*(cfg.get('default_hooks') or {}).values(), *(cfg.get('custom_hooks') or ())):
        if hook and hook.get('out_dir'):
            hook.out_dir = folder
    scaling = cfg.get('auto_scale_lr')
    if scaling and scaling.get('base_batch_size'):
        scaling.base_batch_size /= processes


def close_log_files() -> None:
    """Closes the log file of the last runner, whose folder is removed."""
    for handler in file_handlers():
        handler.close()
        MMLogger.get_current_instance().removeHandler(handler)


def _skip_downloads(node: object) -> None:
    """Removes pretrained weights on the web, which are loaded when training starts."""
    for entry in iter_dicts(node):
        if any('://' in str(init.get('checkpoint')) for init in iter_dicts(entry.get('init_cfg'))):
            entry.init_cfg = None
        for value in entry.values():
            _skip_downloads(value)
