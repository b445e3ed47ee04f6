"""Sets of packages that do not work together are named."""

import sys

import pytest

from vitae_mm import environment
from vitae_mm.engine.cli import describe

from .helpers.commands import ROOT, run

OTHERS = dict(zip(environment.STACKS['onedl'], environment.STACKS['official'], strict=True))
OTHERS |= {official: onedl for onedl, official in OTHERS.items()}


def install(folder, **versions):
    """Makes distributions look installed for a process with this folder in PYTHONPATH."""
    for name, version in versions.items():
        info = folder / f'{name}-{version}.dist-info'
        info.mkdir()
        (info / 'METADATA').write_text(f'Name: {name}\nVersion: {version}\n')


def check(folder, *stack):
    """Runs the check of the set-up with only the distributions in a folder."""
    script = ROOT / 'vitae_mm/environment.py'
    return run(sys.executable, '-S', script, *stack, PYTHONPATH=str(folder)).stderr.strip()


@pytest.mark.parametrize(
    'versions',
    [
        dict(torch='2.1.2', numpy='1.26.4', mmengine='0.10.7', mmcv='2.1.0', mmpose='1.3.2'),
        dict(torch='2.11.0', numpy='2.4.6', onedl_mmengine='0.10.12', onedl_mmcv='2.3.6'),
        dict(torch='2.1.2', mmengine='0.10.7', mmcv_lite='2.1.0'),
        dict(torch='2.11.0', onedl_mmengine='0.10.12', mmcv_lite='2.2.0', mmpose='1.3.2'),
        {},
    ],
    ids=['official', 'onedl', 'official lite', 'onedl lite', 'empty'],
)
def test_sets_that_work_together_are_accepted(tmp_path, versions):
    install(tmp_path, **versions)
    assert check(tmp_path) == ''


@pytest.mark.parametrize(
    'versions, message',
    [
        (dict(mmengine='0.10.7', onedl_mmengine='0.10.12'), 'mmengine 0.10.7, onedl-mmengine 0.10'),
        (dict(onedl_mmcv='2.3.6', mmdet='3.3.0'), 'mmdet 3.3.0, onedl-mmcv 2.3.6'),
        (dict(mmcv='2.1.0', mmcv_lite='2.1.0'), 'mmcv-lite 2.1.0, mmcv 2.1.0'),
        (dict(torch='2.0.1'), 'requires PyTorch 2.1 or later, but this is 2.0.1'),
        (dict(torch='1.13.1+cu117'), 'requires PyTorch 2.1 or later, but this is 1.13.1'),
        (
            dict(torch='2.1.2', numpy='2.0.0'),
            "torch 2.1.2 does not work with NumPy 2.0.0: pip install 'numpy<2'",
        ),
    ],
    ids=['engine twice', 'mixed', 'lite', 'old torch', 'older torch', 'numpy'],
)
def test_sets_that_do_not_are_named(tmp_path, versions, message):
    install(tmp_path, **versions)
    assert message in check(tmp_path)


def test_a_set_is_not_installed_over_another(tmp_path):
    assert check(tmp_path, 'onedl') == ''
    install(tmp_path, mmengine='0.10.7')
    assert 'mmengine 0.10.7, those of STACK=onedl do not go together' in check(tmp_path, 'onedl')


def test_importing_the_package_names_the_other_set(tmp_path):
    stack = environment.installed_stack()
    installed = environment.STACKS[stack][0]
    other = OTHERS[installed]
    install(tmp_path, **{other.replace('-', '_'): '0.10.0'})
    done = run(sys.executable, '-c', 'import vitae_mm', PYTHONPATH=str(tmp_path))
    message = done.stderr.splitlines()[-1]
    assert message.startswith('ImportError') and installed in message and f'{other} 0' in message


@pytest.mark.parametrize(
    'version, accepted',
    [((3, 9, 18), False), ((3, 10, 0), True), ((3, 12, 1), True), ((3, 13, 0), False)],
)
def test_other_versions_of_python_are_refused(monkeypatch, version, accepted):
    monkeypatch.setattr(sys, 'version_info', version)
    message = environment.find_conflict()
    assert message is None if accepted else 'requires Python 3.10 to 3.12' in message


def test_the_official_set_is_not_installed_with_python_3_12(monkeypatch):
    monkeypatch.setattr(sys, 'version_info', (3, 12, 1))
    assert 'STACK=official requires Python 3.10 to 3.11' in environment.find_conflict('official')


@pytest.mark.parametrize(
    'module, message',
    [
        ('mmcv._ext', 'pip uninstall mmcv-lite'),
        (
            'mmdet',
            f'mmdet is not installed: pip install -r requirements/{environment.installed_stack()}',
        ),
        ('mmpose', 'see requirements/pose.txt'),
        ('wandb', 'ModuleNotFoundError: No module named'),
    ],
)
def test_a_missing_module_is_explained(module, message):
    error = ModuleNotFoundError(f'No module named {module!r}', name=module)
    assert message in describe(error)


def test_an_unknown_stack_is_refused():
    done = run('bash', '-c', '. tools/setup_env.sh', STACK='offical')
    assert done.returncode == 1
    assert done.stderr.strip() == 'setup: STACK=offical is unknown: choose onedl or official.'
