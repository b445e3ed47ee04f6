import json

import pytest

from ..helpers.commands import ROOT, env

NOTEBOOK = ROOT / 'docs/tutorial.ipynb'
REASON = 'needs Jupyter: pip install -r requirements/docs.txt'


def test_the_notebook_has_small_outputs():
    cells = json.loads(NOTEBOOK.read_text())['cells']
    code = [cell for cell in cells if cell['cell_type'] == 'code']
    assert any('image/png' in output.get('data', {}) for cell in code for output in cell['outputs'])
    assert NOTEBOOK.stat().st_size < 1_500_000


@pytest.mark.slow
def test_the_tutorial_runs(tmp_path, monkeypatch):
    nbformat = pytest.importorskip('nbformat', reason=REASON)
    nbclient = pytest.importorskip('nbclient', reason=REASON)
    pytest.importorskip('ipykernel', reason=REASON)
    for name, value in env(TMPDIR=str(tmp_path)).items():
        monkeypatch.setenv(name, value)
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbclient.NotebookClient(notebook, timeout=600, kernel_name='python3').execute(cwd=tmp_path)
    outputs = [
        output for cell in notebook.cells if cell.cell_type == 'code' for output in cell.outputs
    ]
    text = ''.join(output.get('text', '') for output in outputs)
    assert "ViTAEv2 'small'" in text and 'error' not in text
    assert '(1, 64, 56, 56)' in text and 'mIoU' in text
    # data, two networks' maps and attention, predictions
    assert sum('image/png' in output.get('data', {}) for output in outputs) == 6
