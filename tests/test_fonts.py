"""Text in any script is drawn with the fonts that have its letters."""

import os
import warnings
from functools import cache

import matplotlib
import numpy as np
import pytest
from fontTools.ttLib import TTFont
from matplotlib import font_manager
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from vitae_mm import fonts
from vitae_mm.engine import cli
from vitae_mm.visualization.class_map import add_legend

SCRIPTS = dict(Chinese='天空', Japanese='ねこ', Korean='한국', Hindi='बिल्ली', emoji='🚗')


@pytest.fixture(scope='module')
def font(tmp_path_factory):
    """A font in which Chinese letters look like A and B."""
    made = TTFont(fonts.BASE)
    for table in made['cmap'].tables:
        if table.isUnicode():
            table.cmap.update({ord('天'): 'A', ord('地'): 'B'})
    path = tmp_path_factory.mktemp('fonts') / 'a.ttf'
    made.save(path)
    return str(path)


@pytest.fixture
def messages(monkeypatch):
    """What is said; no fonts have been searched yet, and matplotlib is restored at the end."""
    said = []
    monkeypatch.setattr(fonts, 'print_log', lambda text, *_: said.append(text))
    monkeypatch.setattr(fonts, '_font_with', cache(fonts._font_with.__wrapped__))
    monkeypatch.setattr(fonts, '_used', {})
    monkeypatch.setattr(fonts, '_explained', set())
    monkeypatch.setattr(Text, 'set_text', Text.set_text)
    monkeypatch.setitem(matplotlib.rcParams, 'text.parse_math', True)
    monkeypatch.setattr(
        font_manager.fontManager,
        '_find_fonts_by_props',
        font_manager.fontManager._find_fonts_by_props,
    )
    with warnings.catch_warnings():
        fonts.use_fonts.__wrapped__()
        yield said


def draw(text, **options):
    figure = Figure(figsize=(3, 1))
    canvas = FigureCanvasAgg(figure)
    figure.text(0.1, 0.1, text, size=20, **options)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())


@pytest.mark.parametrize('family', ['sans-serif', 'monospace'])
def test_letters_come_from_an_installed_font(messages, monkeypatch, font, family):
    monkeypatch.setattr(fonts, '_installed', lambda: ['missing.ttf', font])
    assert np.array_equal(draw('天', family=family), draw('A'))
    assert not np.array_equal(draw('天', family=family), draw('地', family=family))
    assert not messages


@pytest.mark.parametrize(
    'text, package',
    [
        ('天空', 'fonts-noto-cjk'),
        ('ねこ', 'fonts-noto-cjk'),
        ('한국', 'fonts-noto-cjk'),
        ('बिल्ली', 'fonts-noto-core'),
        ('🚗', 'fonts-symbola'),
    ],
)
def test_one_sentence_says_what_to_install(messages, monkeypatch, text, package):
    monkeypatch.setattr(fonts, '_installed', list)
    with warnings.catch_warnings(record=True) as others:
        draw(text)
        draw(text)
    assert not [warning for warning in others if 'Glyph' in str(warning.message)]
    [message] = messages
    assert f'apt install {package}' in message and repr(text[0]) in message


def test_nothing_is_said_about_letters_that_matplotlib_has(messages, monkeypatch):
    monkeypatch.setattr(fonts, '_installed', lambda: pytest.fail('fonts are searched'))
    draw('Größe, Ж, Ω\nقطة ☀\ufe0f')
    assert not messages


def test_legends_of_maps_use_the_font(messages, monkeypatch, font):
    monkeypatch.setattr(fonts, '_installed', lambda: [font])
    picture = np.zeros((400, 10, 3), np.uint8)

    def legend(name):
        return add_legend(picture, {name: 0.5}, {name: (0, 0, 0)})

    assert np.array_equal(legend('天'), legend('A'))
    assert not np.array_equal(legend('天'), legend('地'))


def test_regular_fonts_come_first_without_fontconfig(monkeypatch):
    monkeypatch.setattr(fonts.shutil, 'which', lambda name: None)
    monkeypatch.setattr(font_manager, 'findSystemFonts', lambda: ['a-Bold.ttf', 'b-Regular.ttf'])
    assert fonts._installed.__wrapped__() == ['b-Regular.ttf', 'a-Bold.ttf']


@pytest.mark.parametrize('script', SCRIPTS)
def test_installed_fonts_are_found(messages, script):
    draw(SCRIPTS[script])
    if messages:
        pytest.skip(messages[0])
    with warnings.catch_warnings():
        warnings.simplefilter('error')  # matplotlib's, if a letter is missing
        draw(SCRIPTS[script])


def test_tools_use_fonts(monkeypatch):
    called = []
    for name in ('use_utf8', 'hide_noise', 'use_fonts'):
        monkeypatch.setattr(cli, name, lambda name=name: called.append(name), raising=False)
    cli.reports_input_errors(lambda: None)()
    assert 'use_fonts' in called


def test_files_of_fonts_are_not_kept_open():
    fonts._letters.cache_clear()
    before = len(os.listdir('/proc/self/fd'))
    for file in fonts._installed():
        fonts._letters(file)
    assert len(os.listdir('/proc/self/fd')) <= before


def test_dollar_signs_are_drawn(messages):
    draw('img$a^$.jpg')  # as a formula, this is an error
    assert (draw('$1 of $2') != draw('1 of 2')).any()
