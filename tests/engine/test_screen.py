import logging
import types
import warnings

import mmengine
import pytest
from mmengine.logging import MMLogger, print_log
from rich.console import Console

from vitae_mm.engine.screen import hide_noise, is_for_screen

from ..helpers import training


def emit(logger, package, level, text):
    """Logs a message from a module of a package."""
    module = types.ModuleType(f'{package}.module')
    exec(f'def emit(logger): logger.log({level}, {text!r})', vars(module))
    module.emit(logger)


@pytest.fixture
def messages():
    """A logger, and what it shows."""
    shown = []
    handler = logging.Handler()
    handler.emit = lambda record: shown.append(record.getMessage())
    handler.addFilter(is_for_screen)
    logger = logging.Logger('mmengine')
    logger.addHandler(handler)
    return logger, shown


@pytest.mark.parametrize(
    'package, level, shown',
    [
        ('mmengine', logging.INFO, False),
        ('mmdet', logging.INFO, False),
        ('mmdet', logging.WARNING, True),
        ('vitae_mm', logging.INFO, True),
        ('my_hooks', logging.INFO, True),
    ],
)
def test_codebases_show_warnings_and_others_everything(package, level, shown, messages):
    logger, found = messages
    emit(logger, package, level, 'text')
    assert found == ['text'] * shown


def test_warnings_that_nobody_can_act_on_are_hidden(messages):
    logger, found = messages
    emit(logger, 'mmengine', logging.WARNING, '"FileClient" will be deprecated in future.')
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter('always')
        hide_noise()
        warnings.warn('faster_coco_eval is not installed, metrics ...', stacklevel=1)
        warnings.warn('the loss is odd', stacklevel=1)
    assert found == [] and [str(warning.message) for warning in caught] == ['the loss is odd']


def test_debug_messages_without_a_logger_are_not_printed(monkeypatch, capsys):
    monkeypatch.setattr(mmengine.logging, 'print_log', print_log)
    monkeypatch.setattr(MMLogger, '_instance_dict', {})  # no log file yet
    hide_noise()
    emit = 'from mmengine.logging import print_log; print_log({!r}, level={})'
    for package, text, level in [
        ('mmseg', 'Could not import OneDL', logging.DEBUG),
        ('mmseg', 'downloaded', logging.INFO),
        ('mine', 'details', logging.DEBUG),
    ]:
        exec(emit.format(text, level), dict(__name__=package))
    assert capsys.readouterr().out == 'downloaded\ndetails\n'


@pytest.mark.parametrize('variable', ['FORCE_COLOR', 'TTY_COMPATIBLE'])
def test_output_to_a_file_has_no_control_characters(variable, monkeypatch):
    monkeypatch.setenv(variable, '1')
    assert Console().is_terminal
    hide_noise()
    assert not Console().is_terminal


def test_the_log_file_of_a_runner_has_what_the_screen_has_not(data, tmp_path, capsys):
    config = training.write_classifier(tmp_path / 'c.py', data, batch_size=4)
    runner = training.build_runner(config, tmp_path / 'w')
    runner.logger.warning('look')
    runner.train()
    shown, [log] = capsys.readouterr().out, (tmp_path / 'w').glob('*/*.log')
    logged = log.read_text()
    assert shown == 'warning: look\n'
    assert 'look' in logged and 'Epoch(train)' in logged and 'Hooks will be executed' in logged


def test_pycocotools_prints_to_the_log(data, tmp_path, capsys):
    hide_noise()
    config = training.write_detector(tmp_path / 'c.py', data)
    runner = training.build_runner(config, tmp_path / 'w')
    # mmengine builds datasets when they are needed
    runner.build_dataloader(runner._train_dataloader)
    assert capsys.readouterr().out == ''
    [log] = (tmp_path / 'w').glob('*/*.log')
    assert 'loading annotations into memory...' in log.read_text()
