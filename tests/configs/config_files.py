"""Reading and building the configs."""
import copy
import re
import textwrap
from functools import cache
from pathlib import Path

from mmengine.config import Config, utils
from mmengine.registry import MODELS, DefaultScope
from torch import nn

ROOT = Path(__file__).parents[2] / 'configs'
CONFIGS = sorted(path.relative_to(ROOT).as_posix() for path in ROOT.glob('*/**/*.py')
                 if '_base_' not in path.parts)

# to find a base of another package mmengine reads all of that package's metafiles, each time anew
utils.load = cache(utils.load)


def of_task(task: str) -> list[str]:
    return [name for name in CONFIGS if name.startswith(task + '/')]


def read(name: str) -> Config:
    return copy.deepcopy(_read(name))


@cache
def _read(name: str) -> Config:
    return Config.fromfile(ROOT / name)


def build(cfg: Config) -> nn.Module:
    """The model as the runner builds it, from random weights."""
    model_cfg = copy.deepcopy(cfg.model)
    if 'data_preprocessor' in cfg:
        model_cfg.setdefault('data_preprocessor', cfg.data_preprocessor)
    model_cfg.backbone.pop('init_cfg', None)
    with DefaultScope.overwrite_default_scope(cfg.default_scope):
        with MODELS.switch_scope_and_registry(cfg.default_scope) as registry:
            return registry.build(model_cfg)


def from_guide(word: str, folder: Path) -> Config:
    """The config of docs/own_data.md that has this word in it."""
    guide = (ROOT.parent / 'docs' / 'own_data.md').read_text()
    blocks = [textwrap.dedent(block) for block in re.findall(r' *```python\n(.*?)```', guide, re.S)]
    code = next(block for block in blocks if '_base_ = [' in block and word in block)
    assert len(code.splitlines()) <= 30
    (folder / 'guide.py').write_text(code.replace("'../_base_", f"'{ROOT}/_base_"))
    return Config.fromfile(folder / 'guide.py')


def datasets(node: dict) -> list[dict]:
    """A dataset, after the wrappers around it."""
    return [node, *(datasets(node['dataset']) if 'dataset' in node else [])]


def code(name: str) -> list[str]:
    """The lines of a config without its comments."""
    return [line for line in (ROOT / name).read_text().splitlines() if not line.startswith('#')]
