import runpy
import sys
import time

import pytest

from .helpers.commands import ROOT

START = time.monotonic()


def pytest_addoption(parser):
    parser.addoption(
        '--exhaustive', action='store_true', help='also run the tests that take minutes each'
    )
    parser.addoption(
        '--slow-minutes',
        type=float,
        metavar='N',
        default=float('inf'),
        help='skip slow tests that would begin later than N minutes from the start',
    )


def pytest_collection_modifyitems(config, items):
    # tests that are never skipped run first
    items.sort(key=lambda item: 'slow' in item.keywords)
    if not config.getoption('exhaustive'):
        skip = pytest.mark.skip(reason='takes minutes; run with --exhaustive')
        for item in items:
            if 'exhaustive' in item.keywords:
                item.add_marker(skip)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    minutes = item.config.getoption('slow_minutes')
    if 'slow' in item.keywords and time.monotonic() - START > 60 * minutes:
        pytest.skip(f'slow, and {minutes:g} minutes have passed')


@pytest.fixture(scope='session')
def data(tmp_path_factory):
    """The demo shapes, which tests must not change."""
    # tests/gpu does without the packages that it imports
    from .helpers import training

    return training.make_data(tmp_path_factory.mktemp('data'))


@pytest.fixture
def run_tool(monkeypatch, capsys):
    """Runs a tool in this process, where the libraries are loaded, and returns its output."""

    def run_here(tool, *arguments):
        monkeypatch.setattr(sys, 'argv', [tool, *map(str, arguments)])
        runpy.run_path(str(ROOT / tool))['main'].__wrapped__()
        return capsys.readouterr().out

    return run_here
