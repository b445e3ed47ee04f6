"""Checking the weights that a training run starts from."""

import warnings
from pathlib import Path

from mmengine.config import Config
from mmengine.model import BaseModule
from torch import nn

from vitae_mm.backbones import StagedBackbone
from vitae_mm.checkpoints import (
    entries_below,
    load_pretrained,
    misshapen_keys,
    read_checkpoint,
    unwrap_state_dict,
)
from vitae_mm.engine.config import iter_dicts
from vitae_mm.engine.hooks.checkpoint_match import check_start
from vitae_mm.errors import InputError


def check_start_weights(cfg: Config, model: nn.Module, trust: bool = False) -> list[str]:
    """Checks that the checkpoints of a training run fit its model: those of the backbone's
    ``init_cfg``, of ``load_from`` and of a run to resume.

    URLs are not downloaded; they are checked when training starts.

    Args:
        cfg: Config of a training run.
        model: Its model on the meta device.
        trust: Unpickle any object in a checkpoint, except in the ``init_cfg`` of our backbones.
            Defaults to False.

    Returns:
        A line with the number of matched keys for each checkpoint; [] for random weights.

    Raises:
        InputError: If a file is missing, is not a checkpoint or does not fit.
    """
    backbone = getattr(model, 'backbone', None)
    lines = [
        _check_pretrained(backbone, options, trust)
        for options in iter_dicts(getattr(backbone, 'init_cfg', None))
        if options.get('type') == 'Pretrained'
    ]
    path = cfg.get('load_from')
    if not path and cfg.get('resume'):
        record = Path(cfg.work_dir) / 'last_checkpoint'
        path = record.read_text().strip() if record.is_file() else None
    if path and '://' in path:
        lines.append(f'{path}: read when training starts')
    elif path:
        content = read_checkpoint(path, map_location='meta', trust=trust)
        lines.append(
            check_start(
                model,
                unwrap_state_dict(content, ema=False).state_dict,
                source=f'checkpoint {path}',
                whole=bool(cfg.get('resume')),
            )
        )
    return lines


def _check_pretrained(backbone: BaseModule, options: dict, trust: bool) -> str:
    path, prefix, name = options['checkpoint'], options.get('prefix'), type(backbone).__name__
    if '://' in path:
        return f'{path}: read when training starts'
    if isinstance(backbone, StagedBackbone):
        with warnings.catch_warnings():
            # torch warns for each key that loading into a meta tensor has no effect
            warnings.simplefilter('ignore')
            load_pretrained(backbone, path, prefix)
        count = len(backbone.state_dict())
        return f'{path}: {count} of {count} keys of {name} matched'
    content = read_checkpoint(path, map_location='meta', trust=trust)
    if type(backbone).init_weights is not BaseModule.init_weights:
        return f'{path}: {name} selects what it can use'
    # mmengine loads the keys that match, even if none do
    state = entries_below(unwrap_state_dict(content).state_dict, prefix or '')
    wanted = backbone.state_dict()
    matched = len(wanted.keys() & state.keys()) - len(misshapen_keys(backbone, state))
    if not matched:
        raise InputError(
            f'checkpoint {path} does not fit {name}: 0 of {len(wanted)} keys matched; '
            f'it has {", ".join(list(state)[:3]) or "no keys with this prefix"}. Give a checkpoint '
            'of the same network, or set the prefix of its keys.'
        )
    return f'{path}: {matched} of {len(wanted)} keys of {name} matched'
