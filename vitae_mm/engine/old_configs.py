"""Recognizing configs of the previous OpenMMLab generation: mmdet 2.x, mmseg 0.x, mmpose 0.x and
mmcls 0.x."""

import re
import warnings
from collections.abc import Mapping
from pathlib import Path

from vitae_mm.errors import InputError
from vitae_mm.hub import FOLDER

from .config_files import Entries, iter_files, read_entries

GUIDE = 'docs/migration.md'

CERTAIN: dict[str, tuple[str, ...]] = {
    'data': ('samples_per_gpu', 'workers_per_gpu'),
    'optimizer_config': (),
    'lr_config': (),
    'checkpoint_config': (),
    'log_config': (),
    'total_epochs': (),
}
"""Names of old entries, and the keys of which each needs one: one entry makes a config an old one,
unless it has a new entry."""

LIKELY: dict[str, tuple[str, ...]] = {
    'data': ('train', 'val', 'test'),
    'optimizer': ('type', 'lr'),
    'runner': ('type', 'max_epochs', 'max_iters'),
    'evaluation': ('interval', 'metric'),
    'workflow': (),
    'dist_params': (),
    'resume_from': (),
}
"""The same for names that new configs use for variables: two entries make a config an old one."""

NEW: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(('train_dataloader', 'val_dataloader', 'test_dataloader'), ()),
    **dict.fromkeys(('val_evaluator', 'test_evaluator', 'optim_wrapper', 'param_scheduler'), ()),
    **dict.fromkeys(('default_hooks', 'default_scope', 'env_cfg', 'log_processor'), ()),
    **dict.fromkeys(('visualizer', 'vis_backends', 'data_preprocessor'), ()),
    # detectors of mmdet 2.0 have a train_cfg with other keys
    'train_cfg': ('type', 'by_epoch', 'max_epochs', 'max_iters', 'val_interval'),
}


def refuse_old_file(path: Path) -> None:
    """Raises InputError if a Python config, or a file that it inherits from, has the old form. The
    files are read and not run, because bases of old configs are often missing."""
    if _matches(read_entries(path), NEW):
        return
    for file in iter_files(path):
        if found := _old_entries(read_entries(file)):
            raise InputError(_message(path, found))


def refuse_old_config(path: Path, cfg: Mapping) -> None:
    """Raises InputError if a loaded config has the old form; warns of old entries in a new
    config, where they have no effect."""
    entries: Entries = {
        name: frozenset(cfg[name]) if isinstance(cfg[name], Mapping) else frozenset()
        for name in {**CERTAIN, **LIKELY, **NEW}
        if name in cfg
    }
    if found := _old_entries(entries):
        raise InputError(_message(path, found))
    # others, such as total_epochs, may be variables of the file
    if idle := [name for name in _matches(entries, CERTAIN) if entries[name]]:
        warnings.warn(
            f'config {path}: entries without effect: {", ".join(idle)}; {GUIDE} lists those that '
            'replaced them.',
            stacklevel=3,
        )


def find_our_config(name: str) -> Path | None:
    """Returns the config of this project that is most like an old one, or None.

    It has the same network, and shares more parts of the name than others.

    Args:
        name: File name of the old config, without the suffix.
    """
    parts = _parts(name)
    networks = (_parts(path.stem) for path in FOLDER.glob('configs/_base_/backbones/*.py'))
    contained = [network for network in networks if _contains(parts, network)]
    if not contained:
        return None
    network = max(contained, key=len)
    best, best_score = None, 0.0
    for path in sorted(FOLDER.glob('configs/[!_]*/*.py')):
        ours = _parts(path.stem)
        if not _contains(ours, network):
            continue
        # a config of another method or dataset shares little but the network
        shared = len(set(parts) & set(ours))
        score = 2 * shared / (len(set(parts)) + len(set(ours)))
        if shared > len(network) and score > best_score:
            best, best_score = path, score
    return best and best.relative_to(FOLDER)


def _old_entries(entries: Entries) -> list[str]:
    """The names that show that a config has the old form, or none."""
    certain, likely = _matches(entries, CERTAIN), _matches(entries, LIKELY)
    is_old = not _matches(entries, NEW) and (certain or len(likely) > 1)
    return list(dict.fromkeys(certain + likely)) if is_old else []


def _matches(entries: Entries, forms: Mapping[str, tuple[str, ...]]) -> list[str]:
    return [
        name
        for name, keys in forms.items()
        if name in entries and (not keys or entries[name] & set(keys))
    ]


def _message(path: Path, found: list[str]) -> str:
    ours = find_our_config(path.stem)
    if ours is None:
        hint = ''
    elif set(_parts(ours.stem)) <= set(_parts(path.stem)):
        hint = f', or use {ours}, which replaces it'
    else:
        hint = f', or start from {ours}, the most similar one here'
    return (
        f'config {path} has the form of mmdet 2.x, mmseg 0.x, mmpose 0.x or mmcls 0.x '
        f'({", ".join(found)}): rewrite it as described in {GUIDE}{hint}.'
    )


def _parts(name: str) -> list[str]:
    """The lower-case parts of a file name; sizes are abbreviated as in the names of our configs."""
    sizes = dict(tiny='t', small='s', base='b', large='l', huge='h')
    return [sizes.get(part, part) for part in re.split(r'[_\-]+', name.lower())]


def _contains(parts: list[str], network: list[str]) -> bool:
    """Whether the parts of a network's name follow each other in a file name."""
    width = len(network)
    return any(parts[i : i + width] == network for i in range(len(parts) - width + 1))
