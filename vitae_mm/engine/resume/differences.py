"""What differs between the config of a run and the one that its checkpoint was trained with."""

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

SECTIONS = (
    'model',
    'data_preprocessor',
    'train_dataloader',
    'train_cfg',
    'optim_wrapper',
    'auto_scale_lr',
    'param_scheduler',
    'custom_hooks',
    'randomness',
    'strategy',
)
"""Entries of a config that change how it trains."""

IGNORED = dict(
    model={'init_cfg', 'pretrained'},  # the weights are those of the checkpoint
    train_dataloader={'num_workers', 'persistent_workers', 'pin_memory', 'prefetch_factor'},
    train_cfg={'val_interval', 'val_begin', 'dynamic_intervals', 'fast_forward_on_resume'},
)
"""Names within a section that do not."""

WIDTH = 60
"""Longest text of a value."""


@dataclass(frozen=True)
class Difference:
    """A value of the checkpoint, and the one of the run instead."""

    old: Any
    new: Any

    def __str__(self) -> str:
        return f'{_shorten(self.old)} -> {_shorten(self.new)}'


def read_config_text(text: object) -> dict[str, Any] | None:
    """Reads a config as mmengine writes it into checkpoints, without running it.

    Args:
        text: Python source of assignments.

    Returns:
        The values by name. What is not a literal or a call of ``dict`` is given as source. None if
        the text is not Python.
    """
    if not isinstance(text, str):
        return None
    try:
        return {
            target.id: _read(statement.value)
            for statement in ast.parse(text).body
            if isinstance(statement, ast.Assign)
            for target in statement.targets
            if isinstance(target, ast.Name)
        }
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def find_differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Difference]:
    """Compares what two configs say about training.

    Args:
        old: Config as read by :func:`read_config_text`.
        new: The other.

    Returns:
        The values of each entry that differs, such as ``train_cfg.max_epochs``.
    """
    found: dict[str, Difference] = {}
    for section in SECTIONS:
        sides = [_listed(config.get(section), section) for config in (old, new)]
        _compare(section, sides[0], sides[1], ignored=IGNORED.get(section, set()), found=found)
    return found


def _read(node: ast.expr) -> Any:
    match node:
        case ast.Call(func=ast.Name(id='dict'), args=[]) if all(k.arg for k in node.keywords):
            return {keyword.arg: _read(keyword.value) for keyword in node.keywords}
        # how mmengine writes keys that are not identifiers
        case ast.Call(func=ast.Name(id='dict'), args=[ast.Dict() as inner], keywords=[]):
            return _read(inner)
        case ast.Dict() if all(isinstance(key, ast.Constant) for key in node.keys):
            return {
                key.value: _read(value)
                for key, value in zip(node.keys, node.values, strict=True)
                if isinstance(key, ast.Constant)
            }
        # options from the command line are lists where configs have tuples
        case ast.List() | ast.Tuple():
            return [_read(entry) for entry in node.elts]
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError):
        return ast.unparse(node)


def _listed(value: Any, section: str) -> Any:
    """One scheduler may be given without a list."""
    return [value] if section == 'param_scheduler' and isinstance(value, Mapping) else value


def _compare(
    path: str, old: Any, new: Any, *, ignored: set[str], found: dict[str, Difference]
) -> None:
    if isinstance(old, dict) and isinstance(new, dict):
        for key in [*old, *(key for key in new if key not in old)]:
            if key not in ignored:
                _compare(f'{path}.{key}', old.get(key), new.get(key), ignored=ignored, found=found)
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for index, (first, second) in enumerate(zip(old, new, strict=True)):
            _compare(f'{path}[{index}]', first, second, ignored=ignored, found=found)
    elif old != new:
        found[path] = Difference(old, new)


def _shorten(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= WIDTH else f'{text[: WIDTH - 3]}...'
