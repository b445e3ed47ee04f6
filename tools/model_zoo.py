#!/usr/bin/env python
"""Counts parameters and multiply-adds of the models in configs/*/metafile.yml, and
writes them, with the published scores of vitae_mm/analysis/papers.py, to these files and
to the tables in each folder's README.

    python tools/model_zoo.py            # updates the files
    python tools/model_zoo.py --check    # only checks that they are up to date
"""

from pathlib import Path

import yaml
from mmengine.config import Config

from vitae_mm.analysis.papers import SCORES, TRANSFER, TRANSFER_SETS
from vitae_mm.analysis.tables import filled, markdown_table
from vitae_mm.engine.cli import reports_input_errors, tool_parser
from vitae_mm.engine.complexity import count_macs, count_parameters, input_size
from vitae_mm.engine.models import build_model
from vitae_mm.errors import InputError
from vitae_mm.io import write_text

ROOT = Path(__file__).resolve().parents[1]
HEADER = (
    '# Counted and written by tools/model_zoo.py; scores are those of '
    'vitae_mm/analysis/papers.py, not measured here.\n'
)
DETECTION_SIZE = (800, 1280)


@reports_input_errors
def main() -> None:
    parser = tool_parser(__doc__)
    parser.add_argument(
        '--check', action='store_true', help='change nothing; fail if a file is outdated'
    )
    args = parser.parse_args()
    outdated = []
    for metafile in sorted(ROOT.glob('configs/*/metafile.yml')):
        content = yaml.safe_load(metafile.read_text())
        for model in content['Models']:
            enter_scores(model)
            model['Metadata'].update(count(ROOT / model['Config']))
        readme = metafile.with_name('README.md')
        for path, text in (
            (metafile, HEADER + yaml.safe_dump(content, sort_keys=False, width=1000)),
            (readme, with_tables(readme, content['Models'])),
        ):
            if path.read_text() != text:
                outdated.append(path.relative_to(ROOT).as_posix())
                if not args.check:
                    write_text(path, text)
    if outdated and args.check:
        raise InputError(f'{", ".join(outdated)}: not up to date; run python tools/model_zoo.py.')
    print(f'written: {", ".join(outdated)}' if outdated else 'all files are up to date')


def enter_scores(model: dict) -> None:
    """Enters the published scores of a model, and who reports them, in its part of a metafile."""
    scores = SCORES.get(model['Name'])
    model['Metadata']['Scores'] = scores.source if scores else 'none listed'
    model['Results'] = (
        [dict(Task=scores.task, Dataset=scores.dataset, Metrics=dict(scores.metrics))]
        if scores
        else []
    )


def count(config: Path) -> dict:
    """Counts parameters, and multiply-adds (OpenMMLab's FLOPs) of a classifier or of another
    model's backbone."""
    cfg = Config.fromfile(config)
    model, size = build_model(cfg), image_size(cfg)
    dense = cfg.default_scope != 'mmpretrain'
    macs = count_macs(model.backbone if dense else model, size)
    return {
        'Parameters': count_parameters(model),
        'Backbone FLOPs' if dense else 'FLOPs': macs,
        'Image Size': size[0] if size[0] == size[1] else f'{size[0]}x{size[1]}',
    }


def image_size(cfg: Config) -> tuple[int, int]:
    """Returns the height and width at which models are compared: 800x1280 for detectors, the crop
    size for segmentors, and otherwise the size in testing."""
    if cfg.default_scope == 'mmdet':
        return DETECTION_SIZE
    return cfg.crop_size if cfg.default_scope == 'mmseg' else input_size(cfg)


def with_tables(readme: Path, models: list[dict]) -> str:
    """Returns the text of a README with updated tables."""
    tables = dict(models=models_table(models))
    if readme.parent.name == 'cls':
        tables['transfer'] = transfer_table()
    return filled(readme, tables)


def models_table(models: list[dict]) -> str:
    """Returns the models of a metafile as a Markdown table."""
    scores = list(
        dict.fromkeys(
            name for model in models for result in model['Results'] for name in result['Metrics']
        )
    )
    whole = 'FLOPs' in models[0]['Metadata']
    columns = [
        'config',
        'parameters',
        'GMACs' if whole else 'GMACs of the backbone',
        'image',
        *(f'{name} (paper)' for name in scores),
    ]
    lines = [columns]
    for model in models:
        data = model['Metadata']
        metrics = model['Results'][0]['Metrics'] if model['Results'] else {}
        macs = data.get('FLOPs', data.get('Backbone FLOPs'))
        lines.append(
            [
                f'[{model["Name"]}]({model["Name"]}.py)',
                f'{data["Parameters"] / 1e6:.2f}M',
                f'{macs / 1e9:.2f}',
                str(data['Image Size']),
                *(str(metrics.get(name, '')) for name in scores),
            ]
        )
    return markdown_table(lines)


def transfer_table() -> str:
    """Returns the configs for other data sets than ImageNet, each with its published top-1, as a
    Markdown table."""
    lines = [['configs', *TRANSFER_SETS.values()]]
    for model in TRANSFER:
        names = [f'{model}_{ending}' for ending in TRANSFER_SETS]
        lines.append([f'`{model}_*`', *map(transfer_cell, names)])
    return markdown_table(lines)


def transfer_cell(name: str) -> str:
    """Returns the score of a config as a link to it; nothing if there is no such config."""
    if not (ROOT / f'configs/cls/{name}.py').exists():
        return ''
    score = next(iter(SCORES[name].metrics.values())) if name in SCORES else '-'
    return f'[{score}]({name}.py)'


if __name__ == '__main__':
    main()
