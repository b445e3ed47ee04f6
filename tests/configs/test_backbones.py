"""Options of the backbones, in the networks of all configs and experiments."""

import json

import pytest
import torch
from mmengine.registry import MODELS
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from ..helpers.config_files import CONFIGS, read, read_training, trainings


def backbones():
    """Each network of ours once, by its options."""
    seen = {}
    configs = [read(name) for name in CONFIGS if '_mini_' not in name]  # too narrow for 32 groups
    for cfg in configs + [read_training(training) for training in trainings('gpu', 'paper')]:
        options = cfg.model.backbone.to_dict()
        if options['type'].startswith('vitae_mm.'):
            options.pop('init_cfg', None)
            options['drop_path_rate'] = 0.0
            seen[json.dumps(options, sort_keys=True)] = options
    return seen


NETWORKS = backbones()


def build(options, **changes):
    with torch.device('meta'):
        return MODELS.build({**options, **changes})


def kinds(model, kind):
    return [module for module in model.modules() if isinstance(module, kind)]


@pytest.mark.parametrize('options', NETWORKS.values(), ids=range(len(NETWORKS)))
def test_options_fit_every_network(options):
    checkpointed = build(options, with_cp=True)
    assert checkpointed.with_cp
    batch_norms = kinds(checkpointed, _BatchNorm)
    if 'norm_cfg' in options:
        return
    in_groups = build(options, norm_cfg=dict(type='GN', num_groups=32))
    assert not kinds(in_groups, _BatchNorm)
    assert len(kinds(in_groups, nn.GroupNorm)) == len(batch_norms)
    synchronized = build(options, norm_cfg=dict(type='SyncBN'))
    assert len(kinds(synchronized, nn.SyncBatchNorm)) == len(batch_norms)
    frozen = build(options, norm_eval=True).train()
    assert not any(norm.training for norm in kinds(frozen, _BatchNorm))
