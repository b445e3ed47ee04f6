"""Imported packages are declared, and scripts can be executed."""

import ast
import os
import re
import sys
from importlib.metadata import packages_distributions

import pytest

from .helpers.commands import ROOT

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
        ('vitae_mm', ('runtime', 'optional', 'attacks')),
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
