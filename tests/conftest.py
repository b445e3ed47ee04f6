import pytest


def pytest_addoption(parser):
    parser.addoption('--exhaustive', action='store_true',
                     help='also run the tests that take minutes each')


def pytest_collection_modifyitems(config, items):
    if not config.getoption('exhaustive'):
        skip = pytest.mark.skip(reason='takes minutes; run with --exhaustive')
        for item in items:
            if 'exhaustive' in item.keywords:
                item.add_marker(skip)
