"""Imported packages are declared, scripts can be executed, and a wheel works without a checkout."""

import ast
import os
import re
import shutil
import subprocess
import sys
import zipfile
from importlib.metadata import packages_distributions

import pytest

from .helpers.commands import ROOT, env, run

# distributed under one of two names each, see requirements/runtime.txt
OPENMMLAB = {'mmcv', 'mmdet', 'mmengine', 'mmpose', 'mmpretrain', 'mmseg'}


def declared(*lists):
    """Normalized names of the distributions in some files of requirements/."""
    text = '\n'.join((ROOT / 'requirements' / f'{name}.txt').read_text() for name in lists)
    return {name.lower().replace('_', '-') for name in re.findall(r'^[\w-]+', text, re.MULTILINE)}


def imported(folder):
    """Top-level names of the third-party packages that a folder's modules import."""
    names = set()
    for path in (ROOT / folder).rglob('*.py'):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                names.update(alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and not node.level:
                names.add(node.module)
    return {name.partition('.')[0] for name in names} - {'vitae_mm', *sys.stdlib_module_names}


@pytest.mark.parametrize(
    'folder, lists',
    [
        ('vitae_mm', ('runtime', 'optional', 'attacks', 'web')),
        ('tools', ('runtime', 'tests')),
        ('tests', ('runtime', 'tests')),
    ],
)
def test_imported_packages_are_declared(folder, lists):
    installed = packages_distributions()
    required = declared(*lists)
    missing = {
        name
        for name in imported(folder) - OPENMMLAB
        if not required & {d.lower().replace('_', '-') for d in installed.get(name, [name])}
    }
    assert not missing


@pytest.mark.parametrize(
    'script',
    [path.relative_to(ROOT).as_posix() for path in (ROOT / '.ci/run', *ROOT.glob('tools/*.sh'))],
)
def test_shell_scripts_are_executable(script):
    assert os.access(ROOT / script, os.X_OK)


MIM = 'vitae_mm/.mim'


@pytest.fixture(scope='module')
def wheel(tmp_path_factory):
    """A wheel of the checkout, built without network."""
    copy, out = tmp_path_factory.mktemp('copy'), tmp_path_factory.mktemp('wheel')
    for name in ('configs', 'requirements', 'tools', 'vitae_mm'):
        shutil.copytree(ROOT / name, copy / name, symlinks=True)
    for name in ('LICENSE', 'NOTICE', 'README.md', 'model-index.yml', 'pyproject.toml', 'setup.py'):
        shutil.copy(ROOT / name, copy)
    # as if a tool had been imported
    (copy / 'tools/__pycache__').mkdir(exist_ok=True)
    (copy / 'tools/__pycache__/train.pyc').touch()
    options = ('--no-deps', '--no-build-isolation', '--no-index')
    done = run(sys.executable, '-m', 'pip', 'wheel', *options, '-w', out, copy)
    assert done.returncode == 0, done.stderr
    [path] = out.glob('*.whl')
    return path


@pytest.mark.slow
def test_a_wheel_contains_configs_tools_and_model_index(wheel):
    sources = [ROOT / 'model-index.yml', *ROOT.glob('configs/**/*'), *ROOT.glob('tools/**/*')]
    expected = {
        f'{MIM}/{path.relative_to(ROOT).as_posix()}': path.read_bytes()
        for path in sources
        if path.is_file() and path.suffix != '.pyc'
    }
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if name.startswith(f'{MIM}/')]
        assert {name: archive.read(name) for name in names} == expected
        assert not any(name.endswith('.pyc') for name in archive.namelist())


@pytest.fixture(scope='module')
def installed(wheel, tmp_path_factory):
    """Folder with the contents of the wheel, instead of site-packages."""
    folder = tmp_path_factory.mktemp('installed')
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


LOOK = """
import sys
from pathlib import Path

import mmpretrain
import vitae_mm
from mmengine.config import Config
from mmengine.hub import get_config

folder = Path(vitae_mm.__file__).parent
assert folder == Path(sys.argv[1], 'vitae_mm'), folder
name = 'vitae_mm::det/mask_rcnn_vitaev2_s_3x.py'
for cfg in (Config.fromfile(name), get_config(name)):
    assert Path(cfg.filename) == folder / '.mim/configs/det/mask_rcnn_vitaev2_s_3x.py'
    assert cfg.model.type == 'MaskRCNN'
assert Config.fromfile('own.py').model.backbone.type == 'vitae_mm.ViTAEv2'
assert 'vitaev2_s_300e_in1k' in mmpretrain.list_models('*vitae*')
assert type(mmpretrain.get_model('vitae_t_300e_in1k').backbone).__name__ == 'ViTAE'
"""


@pytest.mark.slow
def test_an_installed_package_works_in_another_folder(installed, tmp_path, data):
    (tmp_path / 'data').mkdir()
    (tmp_path / 'data/shapes').symlink_to(data)
    (tmp_path / 'own.py').write_text(
        "_base_ = 'vitae_mm::cls/vitaev2_demo_4e_shapes.py'\n"
        "train_cfg = dict(_delete_=True, type='IterBasedTrainLoop', max_iters=1, val_interval=1)\n"
        'train_dataloader = dict(batch_size=2)\n'
        'default_hooks = dict(checkpoint=dict(by_epoch=False))\n'
    )
    (tmp_path / 'look.py').write_text(LOOK)

    def run_there(*command):
        done = subprocess.run(
            [sys.executable, *map(str, command)],
            check=False,
            cwd=tmp_path,
            text=True,
            timeout=300,
            capture_output=True,
            env=env(PYTHONPATH=str(installed)),
        )
        assert done.returncode == 0, done.stdout + done.stderr

    run_there('look.py', installed)
    tools = installed / MIM / 'tools'
    run_there(tools / 'train.py', 'own.py', '--no-rehearsal')
    assert (tmp_path / 'work_dirs/own/iter_1.pth').is_file()
    run_there(tools / 'test.py', 'own.py', 'work_dirs/own/iter_1.pth')
