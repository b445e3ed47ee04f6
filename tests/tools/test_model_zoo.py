"""The model zoo: its counts, and other software that reads its files."""

import runpy

import mmcv
import numpy as np
import pytest
import torch
import yaml
from mmengine.config import Config
from mmengine.dataset import Compose, pseudo_collate
from mmengine.infer import BaseInferencer
from mmengine.registry import MODELS, DefaultScope
from mmpretrain import ImageClassificationInferencer
from mmpretrain.apis import ModelHub

from vitae_mm.engine.complexity import count_macs, count_parameters
from vitae_mm.engine.models import build_model
from vitae_mm.errors import InputError

from ..helpers.commands import ROOT, run

GMACS = dict(
    vitaev2_s=5.75,
    vitaev2_48m=13.3,
    vitaev2_b=24.4,
    vitae_t=1.76,
    vitae_6m=2.15,
    vitae_13m=3.50,
    vitae_s=6.18,
)
"""As published, at 224."""


@pytest.mark.slow
def test_files_are_up_to_date():
    done = run('python', 'tools/model_zoo.py', '--check', timeout=600)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize('name, gmacs', GMACS.items())
def test_multiply_adds_match_the_papers(name, gmacs):
    model = build_model(Config.fromfile(ROOT / f'configs/cls/{name}_300e_in1k.py'))
    assert count_macs(model, (224, 224)) / 1e9 == pytest.approx(gmacs, rel=0.02)


def test_a_small_network_is_counted():
    model = torch.nn.Sequential(
        torch.nn.Conv2d(3, 8, 3, padding=1, groups=1),
        torch.nn.Flatten(),
        torch.nn.Linear(8 * 16, 5),
    )
    assert count_parameters(model) == 3 * 8 * 9 + 8 + 8 * 16 * 5 + 5
    assert count_macs(model, (4, 4)) == 16 * 3 * 8 * 9 + 8 * 16 * 5


def test_every_entry_has_a_config_and_counts():
    index = yaml.safe_load((ROOT / 'model-index.yml').read_text())
    assert sorted(index['Import']) == sorted(
        path.relative_to(ROOT).as_posix() for path in ROOT.glob('configs/*/metafile.yml')
    )
    for metafile in index['Import']:
        content = yaml.safe_load((ROOT / metafile).read_text())
        collections = {collection['Name'] for collection in content['Collections']}
        for model in content['Models']:
            assert (ROOT / model['Config']).stem == model['Name']
            assert (ROOT / model['Config']).is_file() and model['In Collection'] in collections
            assert model['Metadata']['Parameters'] > 1e6


def test_mmengine_inferencers_read_it():
    models = list(BaseInferencer._get_models_from_metafile(str(ROOT)))
    assert 'mask_rcnn_vitaev2_s_3x' in {model['Name'] for model in models}


def test_mmpretrain_hub_reads_it():
    assert ModelHub.get('vitae_t_300e_in1k').metadata.parameters == 4886888


@pytest.mark.parametrize('name', ['vitae_t', 'vitaev2_s', 'ceit_t'])
def test_inferencer_loads_our_config_and_a_local_checkpoint(tmp_path, name):
    path = ROOT / f'configs/cls/{name}_300e_in1k.py'
    cfg = Config.fromfile(path)
    with MODELS.switch_scope_and_registry('mmpretrain') as registry:
        model = registry.build(dict(cfg.model, data_preprocessor=cfg.data_preprocessor)).eval()
    torch.save(dict(state_dict=model.state_dict()), tmp_path / 'a.pth')
    image = str(tmp_path / 'a.png')
    mmcv.imwrite(np.random.RandomState(0).randint(0, 255, (240, 300, 3), dtype=np.uint8), image)
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        batch = pseudo_collate(
            [Compose(cfg.test_dataloader.dataset.pipeline)(dict(img_path=image, gt_label=0))]
        )
    with torch.no_grad():
        expected = model.test_step(batch)[0].pred_score

    inferencer = ImageClassificationInferencer(
        str(path), pretrained=str(tmp_path / 'a.pth'), device='cpu'
    )
    result = inferencer(image)[0]
    assert np.allclose(result['pred_scores'], expected.numpy(), atol=1e-6)
    assert result['pred_label'] == expected.argmax().item()


def test_outdated_files_are_found_and_written(tmp_path, monkeypatch):
    tool = runpy.run_path(str(ROOT / 'tools/model_zoo.py'))['main'].__wrapped__
    folder = tmp_path / 'configs' / 'cls'
    folder.mkdir(parents=True)
    monkeypatch.setitem(tool.__globals__, 'ROOT', tmp_path)
    model = dict(
        Name='x',
        Config=str(ROOT / 'configs/cls/ceit_t_300e_in1k.py'),
        Results=[],
        Metadata=dict(Parameters=7),
    )
    (folder / 'metafile.yml').write_text(yaml.safe_dump(dict(Models=[model])))
    (folder / 'README.md').write_text('# Title\n')

    def call(*options):
        monkeypatch.setattr('sys.argv', ['model_zoo.py', *options])
        tool()

    with pytest.raises(InputError, match='README.md has no lines <!-- models -->'):
        call()
    marks = (f'<!-- {name} -->\n<!-- end of {name} -->\n' for name in ('models', 'transfer'))
    (folder / 'README.md').write_text('# Title\n' + ''.join(marks) + 'End\n')
    with pytest.raises(InputError, match='metafile.yml, configs/cls/README.md: not up to date'):
        call('--check')
    assert 'Parameters: 7' in (folder / 'metafile.yml').read_text()
    call()
    call('--check')
    assert 'Parameters: 6356904' in (folder / 'metafile.yml').read_text()
    text = (folder / 'README.md').read_text()
    assert '| [x](x.py) | 6.36M | 1.34 | 224 |' in text and text.endswith('transfer -->\nEnd\n')
