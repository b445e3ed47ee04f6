"""Where the installed configs are, and how mmengine and mmpretrain find them.

``import vitae_mm`` calls :func:`register`, because neither package asks others for their configs
or formats. It imports neither of them: mmpretrain alone takes seconds.
"""

import fnmatch
import functools
import sys
import warnings
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

from .environment import installed_stack
from .errors import InputError, describe_error

FOLDER = Path(__file__).with_name('.mim')
"""Configs, tools and model index, where OpenMMLab's packages expect them. In a checkout, these are
links to the folders next to the package."""

PREFIX = 'vitae_mm::'
NETWORKS = ('ceit', 'vitae', 'vitaev2')
"""How the names of our networks begin, before an underscore."""


def find_config(path: str) -> str:
    """Returns the path of a config.

    Args:
        path: ``'vitae_mm::'`` and the path within configs/, such as
            ``'vitae_mm::det/mask_rcnn_vitaev2_s_3x.py'``. Other paths are returned unchanged.

    Raises:
        InputError: If the package has no such config.
    """
    if not path.startswith(PREFIX):
        return path
    configs, name = FOLDER / 'configs', path.removeprefix(PREFIX)
    if not (configs / name).is_file():
        names = [file.relative_to(configs).as_posix() for file in sorted(configs.glob('*/*.py'))]
        similar = ', '.join(get_close_matches(name, names)) or ', '.join(names[:3]) + ', ...'
        raise InputError(
            f'{path} does not exist: give the path of a file in {configs}, such as {similar}.'
        )
    return str(configs / name)


def list_models(pattern: str = '*') -> list[str]:
    """Returns the names of networks that ``vitae_mm.build`` takes: those of the files in
    ``configs/_base_/backbones``.

    Args:
        pattern: Only names that match it, such as ``'vitaev2*'``. Defaults to all.
    """
    files = (FOLDER / 'configs/_base_/backbones').glob('*.py')
    names = sorted(file.stem for file in files if file.stem.split('_')[0] in NETWORKS)
    return fnmatch.filter(names, pattern)


@functools.cache
def register() -> None:
    """Makes mmengine accept ``vitae_mm::`` in names of configs and read safetensors, and mmpretrain
    list the classifiers; each as soon as it is imported."""
    when_imported('mmengine.config.config', _register_configs)
    when_imported('mmengine.runner.checkpoint', _register_safetensors)
    when_imported('mmpretrain.apis.model', _register_classifiers)


def _register_configs(module: ModuleType) -> None:
    """Changes mmengine's Config, whose ``_base_`` accepts names of a fixed list of packages, and
    whose ``fromfile`` accepts files only."""
    config, packages = module.Config, sys.modules['mmengine.config.utils'].MODULE2PACKAGE
    # A module is accepted as well. It is not called vitae_mm: mmengine 0.10 takes the folder of
    # the distribution of this name, which is not the package's if it is installed in editable mode.
    packages['vitae_mm'] = __name__
    if installed_stack() == 'onedl':
        # the distribution is called onedl-mmsegmentation
        packages['mmseg'] = 'mmseg'
    from_file, base_path = config.fromfile, config._get_cfg_path

    @functools.wraps(from_file)
    def fromfile(filename: Any, *args: Any, **kwargs: Any) -> Any:
        return from_file(find_config(str(filename)), *args, **kwargs)

    @functools.wraps(base_path)
    def get_cfg_path(cfg_path: str, filename: str) -> Any:
        if cfg_path.startswith(PREFIX):
            # without a scope: types belong to the default_scope of the config
            return find_config(cfg_path), None
        return base_path(cfg_path, filename)

    config.fromfile, config._get_cfg_path = staticmethod(fromfile), staticmethod(get_cfg_path)


def _register_safetensors(module: ModuleType) -> None:
    def load_from_safetensors(filename: str, map_location: Any = None) -> Any:
        from .checkpoints import read_checkpoint

        return read_checkpoint(filename, map_location)

    # mmengine takes the first pattern that the path matches, in descending order
    patterns = (r'https?://.*\.safetensors$', r'.*\.safetensors$')
    module.CheckpointLoader.register_scheme(patterns, load_from_safetensors, force=True)


def _register_classifiers(module: ModuleType) -> None:
    module.ModelHub.register_model_index(FOLDER / 'configs/cls/metafile.yml', FOLDER)


def when_imported(name: str, action: Callable[[ModuleType], None]) -> None:
    """Calls a function with a module, now or when it is imported."""
    if name in sys.modules:
        _call(action, sys.modules[name])
    else:
        sys.meta_path.insert(0, _Finder(name, action))


def _call(action: Callable[[ModuleType], None], module: ModuleType) -> None:
    """Calls a function without making the import fail that it belongs to."""
    try:
        action(module)
    except Exception as error:
        warnings.warn(
            f'{module.__name__} does not find what vitae_mm adds ({describe_error(error)}): '
            'install vitae_mm again.',
            stacklevel=2,
        )


class _Finder:
    """Finds one module as others would, and calls a function after its first execution."""

    def __init__(self, name: str, action: Callable[[ModuleType], None]) -> None:
        self.name, self.action = name, action

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name != self.name:
            return None
        # those after this one: two that wait for the same module would ask each other forever
        others = sys.meta_path[sys.meta_path.index(self) + 1 :]
        methods = filter(None, (getattr(finder, 'find_spec', None) for finder in others))
        spec = next(filter(None, (find(name, path, target) for find in methods)), None)
        if spec and spec.loader:
            execute = spec.loader.exec_module

            def exec_module(module: ModuleType) -> None:
                execute(module)
                # others may use the same loader
                if module.__name__ == self.name and self in sys.meta_path:
                    sys.meta_path.remove(self)
                    _call(self.action, module)

            spec.loader.exec_module = exec_module
        return spec
