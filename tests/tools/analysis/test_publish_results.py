"""tools/analysis/publish_results.py on a copy of the documentation."""

import runpy
import shutil
import sys

from ...helpers.commands import ROOT


def test_the_page_and_a_plot_for_each_file_are_written(tmp_path, monkeypatch, capsys):
    page, results = tmp_path / 'reproduction.md', tmp_path / 'results'
    shutil.copytree(ROOT / 'docs/results', results)
    (results / 'curves').mkdir(exist_ok=True)
    (results / 'curves/cells_mini.csv').write_text(
        'label,seed,training (%),accuracy/top1\nRC,0,50,30\nRC,0,100,40\n'
    )
    text = (ROOT / 'docs/reproduction.md').read_text()
    page.write_text(text.replace('| RC |', '| edited |'))
    main = runpy.run_path(str(ROOT / 'tools/analysis/publish_results.py'))['main']
    monkeypatch.setitem(main.__wrapped__.__globals__, 'DOCS', tmp_path)
    monkeypatch.setattr(sys, 'argv', ['publish_results.py'])
    main.__wrapped__()
    assert f'written: {page}' in capsys.readouterr().out
    assert page.read_text() == text
    names = {path.stem for path in results.glob('*.csv')} | {'cells_mini_curves'}
    assert {path.name for path in (tmp_path / 'figures').iterdir()} >= {f'{n}.png' for n in names}
