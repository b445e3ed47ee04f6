"""Which of the two sets of OpenMMLab packages is installed, and whether it can work.

``vitae_mm`` checks this when it is imported, and tools/install_packages.sh before it installs
anything, by running this file. So it imports nothing else, and runs with old versions of Python.
"""

from __future__ import annotations

import re
import sys
from importlib.metadata import PackageNotFoundError, version

STACKS = {
    'official': ('mmengine', 'mmcv', 'mmdet', 'mmsegmentation', 'mmpretrain'),
    'onedl': (
        'onedl-mmengine',
        'onedl-mmcv',
        'onedl-mmdetection',
        'onedl-mmsegmentation',
        'onedl-mmpretrain',
    ),
}
"""Distributions of each set, in the same order; mmpose and mmcv-lite belong to both."""


def installed_stack() -> str:
    """Returns 'official' or 'onedl'; 'official' if neither is installed."""
    return 'onedl' if any(map(_version, STACKS['onedl'])) else 'official'


def find_conflict(stack: str | None = None) -> str | None:
    """Returns a sentence about versions that do not work together, or None.

    Args:
        stack: Set of packages that is about to be installed: 'official' or 'onedl'. By default,
            only what is installed is checked.
    """
    newest = (3, 12) if stack == 'official' else (3, 13)
    if not (3, 10) <= sys.version_info[:2] < newest:
        return (
            f'vitae_mm {f"with STACK={stack} " if stack else ""}requires Python 3.10 to '
            f'3.{newest[1] - 1}, but this is {sys.version.split()[0]}: create an environment '
            'with one of these.'
        )
    torch = _version('torch')
    if torch and _numbers(torch) < (2, 1):
        return f'vitae_mm requires PyTorch 2.1 or later, but this is {torch}: upgrade it.'
    numpy = _version('numpy')
    if not stack and torch and numpy and _numbers(torch) < (2, 3) and _numbers(numpy) >= (2, 0):
        return f"torch {torch} does not work with NumPy {numpy}: pip install 'numpy<2'"
    found = {
        name: [package for package in packages if _version(package)]
        for name, packages in STACKS.items()
    }
    if stack:
        found[stack].append(f'those of STACK={stack}')
    if found['official'] and found['onedl']:
        return _overlap([*found['official'], *found['onedl']])
    lite = [name for name in ('mmcv-lite', 'mmcv', 'onedl-mmcv') if _version(name)]
    if lite[:1] == ['mmcv-lite'] and len(lite) > 1:
        return _overlap(lite)
    return None


def explain_missing(module: str | None) -> str | None:
    """Returns what to install if an OpenMMLab module cannot be imported; None for other modules."""
    packages = f'requirements/{installed_stack()}.txt'
    if module == 'mmcv._ext':
        return (
            'mmcv was installed without its compiled operators, which this task needs. Replace it '
            f'(pip uninstall mmcv-lite) by the mmcv of {packages}.'
        )
    if module == 'mmpose':
        return 'mmpose is not installed: see requirements/pose.txt.'
    if module in ('mmdet', 'mmseg', 'mmpretrain'):
        return f'{module} is not installed: pip install -r {packages}'
    return None


def _overlap(packages: list[str]) -> str:
    """Returns the message about packages that install the same modules."""
    named = [f'{package} {_version(package) or ""}'.strip() for package in packages]
    remove = ' '.join(package for package in packages if _version(package))
    return (
        f'{", ".join(named)} do not go together: they overwrite the files of each other or of '
        f'packages they need. Remove them (pip uninstall {remove}), then install one set '
        '(requirements/official.txt or requirements/onedl.txt).'
    )


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _numbers(text: str) -> tuple[int, ...]:
    """Returns the numbers of the major and minor version."""
    return tuple(map(int, re.findall(r'\d+', text)[:2]))


if __name__ == '__main__':
    message = find_conflict(*sys.argv[1:])
    if message:
        sys.exit(f'setup: {message}')
