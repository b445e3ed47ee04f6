"""Reading config files without running them."""

import ast
from collections.abc import Iterator
from pathlib import Path

Entries = dict[str, frozenset[str]]
"""Top-level names of a config, each with the keys of its dict (none for other values)."""


def iter_files(path: Path) -> Iterator[Path]:
    """Yields a config file and the existing files that it inherits from, without those of other
    packages (``mmdet::...``)."""
    waiting, seen = [path], set()
    while waiting:
        file = waiting.pop(0).resolve()
        if file in seen or not file.is_file():
            continue
        seen.add(file)
        yield file
        waiting += [file.parent / base for base in _bases(file) if '::' not in base]


def read_entries(path: Path) -> Entries:
    """Returns the entries of a Python config; those of another or a broken file are empty."""
    return {name: _keys(value) for name, value in _assignments(path)}


def find_syntax_error(path: Path) -> str | None:
    """Returns file, line and reason if a Python config has an error of syntax, or None."""
    if path.suffix != '.py':
        return None
    try:
        ast.parse(path.read_bytes())
    except SyntaxError as error:
        return f'{path}, line {error.lineno}: {error.msg}'
    return None


def _bases(path: Path) -> list[str]:
    """The strings of ``_base_``."""
    return [
        node.value
        for name, value in _assignments(path)
        if name == '_base_'
        for node in ast.walk(value)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]


def _assignments(path: Path) -> Iterator[tuple[str, ast.expr]]:
    if path.suffix != '.py':
        return
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError):
        return
    for node in tree.body:
        if isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    yield target.id, node.value


def _keys(value: ast.expr) -> frozenset[str]:
    if isinstance(value, ast.Call):
        return frozenset(keyword.arg for keyword in value.keywords if keyword.arg)
    if isinstance(value, ast.Dict):
        return frozenset(str(key.value) for key in value.keys if isinstance(key, ast.Constant))
    return frozenset()
