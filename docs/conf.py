"""Settings of the documentation site, which docs/build.sh builds.

The source folder is the root of the repository, so that links between docs/, configs/*/README.md
and the pages of the root are the same on the site as on GitHub.
"""

import contextlib
import io
import os
import runpy
import sys
from pathlib import Path
from unittest import mock

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from vitae_mm import __version__  # noqa: E402

PAGES = {
    'Get started': ['installation', 'quick_start', 'models', 'python', 'tutorial'],
    'Tasks': ['classification', 'detection', 'segmentation', 'pose', 'pretraining'],
    'Guides': [
        'own_data',
        'configs',
        'training',
        'testing',
        'predicting',
        'web_demo',
        'heads',
        'migration',
        'analysis',
        'deployment',
        'performance',
        'troubleshooting',
    ],
    'Reference': ['api/index', 'tools', 'architecture', 'deviations', 'reproduction'],
    'Tables of configs': [
        f'/configs/{task}/README'
        for task in ('cls', 'det', 'seg', 'pose', 'ssl', 'cifar10', 'own_data')
    ],
    'Changes': ['/CHANGELOG'],
}
"""Pages by the caption that the navigation shows above them."""

project = 'vitae_mm'
author = copyright = 'The vitae_mm contributors'
version = release = __version__
extensions = [
    'myst_nb',
    'sphinx.ext.autodoc',
    'sphinx.ext.napoleon',
    'sphinx.ext.viewcode',
    'sphinx_copybutton',
    'sphinxcontrib.mermaid',
]
root_doc = 'docs/index'
exclude_patterns = [
    *(name for name in os.listdir(ROOT) if name not in ('CHANGELOG.md', 'configs', 'docs')),
    'configs/_base_',
    'docs/_build',
]

html_theme = 'furo'
html_title = f'vitae_mm {version}'
html_extra_path = ['_root']  # index.html, which leads to docs/index.html

myst_enable_extensions = ['colon_fence']
myst_fence_as_directive = ['mermaid']
myst_heading_anchors = 4  # as GitHub makes them
nb_execution_mode = 'off'  # tests/docs/test_tutorial.py runs the notebook

autodoc_member_order = 'bysource'
autodoc_typehints = 'description'
autodoc_typehints_description_target = 'documented_params'
nitpicky = True
# other packages: their documentation is not read, so that building needs no network
nitpick_ignore_regex = [('py:.*', r'(?!vitae_mm).*')]


class ToolHelp(SphinxDirective):
    """Shows what a tool of tools/ prints for ``--help``."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        tool, printed = self.arguments[0], io.StringIO()
        self.env.note_dependency(str(ROOT / tool))
        main = runpy.run_path(str(ROOT / tool))['main']
        with (
            mock.patch('sys.argv', [tool, '--help']),
            mock.patch.dict(os.environ, COLUMNS='90'),
            contextlib.redirect_stdout(printed),
            contextlib.suppress(SystemExit),
        ):
            main()
        return [nodes.literal_block(text=printed.getvalue(), language='text')]


def add_navigation(app: Sphinx, docname: str, source: list[str]) -> None:
    """Appends the lists of pages, which GitHub would show as code, to the first page."""
    if docname == root_doc:
        for caption, pages in PAGES.items():
            source[0] += f'\n\n```{{toctree}}\n:hidden:\n:caption: {caption}\n\n'
            source[0] += '\n'.join(pages) + '\n```\n'


def setup(app: Sphinx) -> None:
    app.add_directive('tool-help', ToolHelp)
    app.connect('source-read', add_navigation)
