"""Fonts for text in any script.

matplotlib's own font has no Chinese letters, among others, and draws boxes instead.
"""

import logging
import shutil
import subprocess
import unicodedata
import warnings
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib import font_manager
from matplotlib.ft2font import FT2Font
from matplotlib.text import Text
from mmengine.logging import print_log

BASE = str(Path(matplotlib.get_data_path()) / 'fonts/ttf/DejaVuSans.ttf')
"""matplotlib's own font: Latin, Greek, Cyrillic, Arabic, and symbols."""

EAST_ASIAN = ('CJK', 'HIRAGANA', 'KATAKANA', 'HANGUL', 'BOPOMOFO', 'IDEOGRAPHIC', 'FULLWIDTH')
"""How the names of letters in Chinese, Japanese and Korean text begin in Unicode."""

_used: dict[str, None] = {}
"""Files of fonts with letters that were drawn, in the order of their first use."""


@cache
def use_fonts() -> None:
    """Makes matplotlib take letters that the chosen font lacks from installed fonts, and draw
    dollar signs as such.

    Text with letters that no font has is drawn with boxes, and one sentence says what to install.
    """
    manager: Any = font_manager.fontManager
    find, set_text = manager._find_fonts_by_props, Text.set_text

    def find_with_used(*args: Any, **options: Any) -> list:
        return list(dict.fromkeys([*find(*args, **options), *_used]))

    def set_text_with_fonts(self: Text, s: Any) -> None:
        if not str(s).isascii():
            _used.update(dict.fromkeys(fonts_for(str(s))))
        set_text(self, s)

    matplotlib.rcParams['text.parse_math'] = False
    # in place of matplotlib's warnings, one for each letter
    warnings.filterwarnings('ignore', 'Glyph .* missing from')
    manager._find_fonts_by_props = find_with_used
    Text.set_text = set_text_with_fonts  # type: ignore[method-assign]


def fonts_for(text: str) -> list[str]:
    """Returns the files of fonts that together have the letters of a text.

    If there is no font with a letter, one sentence says what to install.
    """
    found = {letter: _font_with(letter) for letter in text if _is_drawn(letter)}
    for letter, file in found.items():
        if file is None:
            _explain(_package(letter), letter)
    return list(dict.fromkeys(file for file in found.values() if file))


def font_for(text: str) -> str:
    """Returns the file of the font with the most letters of a text."""
    files = [BASE, *fonts_for(text)]
    return max(files, key=lambda file: sum(_has(file, letter) for letter in text))


@cache
def _font_with(letter: str) -> str | None:
    """Returns the first font with a letter."""
    if _has(BASE, letter):
        return BASE
    return next((file for file in _installed() if _has(file, letter)), None)


@cache
def _installed() -> Iterable[str]:
    """Returns the files of the installed fonts, regular ones of sans-serif first."""
    if program := shutil.which('fc-match'):
        command = [program, '--all', '--format', '%{file}\n', 'sans-serif']
        listed = subprocess.run(command, capture_output=True, text=True, check=False).stdout
        return tuple(dict.fromkeys(listed.splitlines()))
    return sorted(font_manager.findSystemFonts(), key=lambda file: 'Regular' not in file)


def _has(file: str, letter: str) -> bool:
    return ord(letter) in _letters(file)


@cache
def _letters(file: str) -> frozenset[int]:
    """Returns the letters of a font, none if matplotlib cannot draw it: it draws no bitmaps."""
    try:
        font = FT2Font(file)  # not kept, as it keeps its file open
    except (RuntimeError, OSError):
        return frozenset()
    return frozenset(font.get_charmap()) if font.scalable else frozenset()


def _is_drawn(letter: str) -> bool:
    """Whether a letter has a shape, unlike spaces, and variation selectors after emoji."""
    return letter.isprintable() and not letter.isspace() and not 0xFE00 <= ord(letter) <= 0xFE0F


def _package(letter: str) -> str:
    """Returns the package of Debian with a letter."""
    if unicodedata.name(letter, '').startswith(EAST_ASIAN):
        return 'fonts-noto-cjk'
    return 'fonts-symbola' if unicodedata.category(letter) == 'So' else 'fonts-noto-core'


_explained: set[str] = set()


def _explain(package: str, letter: str) -> None:
    """Says once what to install."""
    if package not in _explained:
        _explained.add(package)
        print_log(
            f'No installed font has the letter {letter!r} of the text to draw, which will show '
            f'boxes: install one (Debian, Ubuntu: apt install {package}) and draw it again.',
            'current',
            logging.WARNING,
        )
