import shutil

import pytest

from ..helpers.commands import ROOT, run

REASON = 'needs Sphinx: pip install -r requirements/docs.txt'


@pytest.mark.slow
def test_the_site_is_built_and_broken_links_are_errors(tmp_path):
    pytest.importorskip('sphinx', reason=REASON)
    pytest.importorskip('furo', reason=REASON)
    for name in ('configs', 'docs', 'tools', 'vitae_mm'):
        ignore = shutil.ignore_patterns('_build', '__pycache__')
        shutil.copytree(ROOT / name, tmp_path / name, symlinks=True, ignore=ignore)
    for name in ('CHANGELOG.md', 'requirements'):
        (tmp_path / name).symlink_to(ROOT / name)
    with (tmp_path / 'docs/quick_start.md').open('a') as file:
        file.write('[a](missing.md) and [b](models.md#missing)\n')

    # the copy's package, not that of an editable installation
    done = run('bash', tmp_path / 'docs/build.sh', timeout=600, PYTHONPATH=str(tmp_path))
    assert done.returncode != 0
    warnings = [line for line in done.stderr.splitlines() if 'WARNING' in line or 'ERROR' in line]
    assert len(warnings) == 2, done.stderr
    assert "'missing.md'" in warnings[0] and "'missing'" in warnings[1]
    html = tmp_path / 'docs/_build/html'
    assert (html / 'index.html').exists()
    assert 'vitae_mm.backbones.ViTAEv2' in (html / 'docs/api/backbones.html').read_text()
    assert '--cfg-options' in (html / 'docs/tools.html').read_text()
    assert '_images/' in (html / 'docs/tutorial.html').read_text()


def test_missing_packages_are_named(tmp_path):
    for name in ('furo', 'sphinx'):
        (tmp_path / f'{name}.py').write_text('raise ImportError')
    done = run('bash', ROOT / 'docs/build.sh', PYTHONPATH=str(tmp_path))
    assert done.returncode == 1
    assert done.stderr.endswith('pip install -r requirements/docs.txt\n')
