"""Tests of a config with given predictions instead of those of a model."""

from types import SimpleNamespace

from mmengine.config import Config
from mmengine.evaluator import Evaluator
from mmengine.registry import DefaultScope
from mmengine.runner import Runner

from vitae_mm.report import ReportHook


def run_test(cfg: Config, predict, folder, scope=None):
    """Runs the metrics and hooks of a test.

    Args:
        cfg: With test_dataloader and test_evaluator.
        predict: Called with the dataset, an index and the data sample; adds the prediction.
        folder: Of the report.
        scope: The default_scope that the report sees. Defaults to that of the config.

    Returns:
        The metrics and the report.
    """
    with DefaultScope.overwrite_default_scope(cfg.default_scope):
        cfg.test_dataloader.update(num_workers=0, batch_size=2)
        loader = Runner.build_dataloader(cfg.test_dataloader)
        evaluator = Evaluator(cfg.test_evaluator)
        evaluator.dataset_meta = loader.dataset.metainfo
        hook = ReportHook(folder, dict(config='c.py', checkpoint='c.pth'))
        settings = dict(default_scope=scope or cfg.default_scope)
        runner = SimpleNamespace(cfg=settings, test_dataloader=loader, test_evaluator=evaluator)
        hook.before_test_epoch(runner)
        indices = iter(loader.sampler)
        for number, batch in enumerate(loader):
            samples = batch['data_samples']
            for sample in samples:
                predict(loader.dataset, next(indices), sample)
            evaluator.process(samples, batch)
            hook.after_test_iter(runner, number, batch, samples)
        metrics = evaluator.evaluate(len(loader.dataset))
        hook.after_test_epoch(runner, metrics)
    return metrics, hook.report
