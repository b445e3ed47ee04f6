from pathlib import Path

from setuptools import find_packages, setup

ROOT = Path(__file__).parent


def requirements(name: str) -> list[str]:
    lines = (ROOT / 'requirements' / f'{name}.txt').read_text().splitlines()
    return [line for line in lines if line and not line.startswith('#')]


def version() -> str:
    return (ROOT / 'vitae_mm' / 'version.py').read_text().split("'")[1]


setup(
    name='vitae_mm',
    version=version(),
    description='ViTAE, ViTAEv2 and CeiT backbones for the OpenMMLab codebases',
    long_description=(ROOT / 'README.md').read_text(),
    long_description_content_type='text/markdown',
    packages=find_packages(include=['vitae_mm', 'vitae_mm.*']),
    python_requires='>=3.10,<3.13',
    install_requires=requirements('runtime'),
    extras_require={
        'openmmlab': requirements('mminstall'),
        'optional': requirements('optional'),
        'tests': requirements('tests'),
        'all': requirements('mminstall') + requirements('optional') + requirements('tests'),
    },
)
