"""Running commands of the project in subprocesses."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def run(*command, timeout=300, **environment):
    """Runs a command and returns the finished process, with text as .stdout and .stderr."""
    return subprocess.run(
        [str(part) for part in command],
        check=False,
        cwd=ROOT,
        text=True,
        timeout=timeout,
        capture_output=True,
        env=env(**environment),
    )


def env(**extra):
    """The environment of commands, without GPUs."""
    path = f'{Path(sys.executable).parent}:{os.environ["PATH"]}'
    return {
        **os.environ,
        'PATH': path,
        'PYTHONPATH': str(ROOT),
        'CUDA_VISIBLE_DEVICES': '-1',
        **extra,
    }


def complaint(done):
    """The error message of a command that failed."""
    assert done.returncode != 0, done.stdout
    errors = [line for line in done.stderr.splitlines() if line.startswith('error')]
    assert 'Traceback' not in done.stderr, done.stderr
    return '\n'.join(errors)
