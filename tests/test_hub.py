"""mmengine finds the configs by name, and mmpretrain the classifiers."""

import importlib.util
import subprocess
import sys

import mmpretrain
import numpy as np
import pytest
import yaml
from mmdet.apis import DetInferencer
from mmengine.config import Config
from mmengine.hub import get_config
from mmengine.infer import BaseInferencer
from mmengine.registry import DefaultScope
from mmpose.apis import MMPoseInferencer
from mmseg.apis import MMSegInferencer

from vitae_mm.engine.config import load_config
from vitae_mm.engine.models import build_model
from vitae_mm.errors import InputError
from vitae_mm.hub import find_config, when_imported

from .helpers.commands import ROOT, env

DETECTOR = 'mask_rcnn_vitaev2_demo_4e_shapes'
IMAGE = np.random.RandomState(0).randint(0, 255, (96, 128, 3), dtype=np.uint8)


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """Another working directory than the checkout."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize('read', [Config.fromfile, get_config, load_config])
def test_a_config_is_found_by_its_name(read):
    cfg = read(f'vitae_mm::det/{DETECTOR}.py')
    expected = Config.fromfile(ROOT / f'configs/det/{DETECTOR}.py')
    assert cfg.model == expected.model and cfg.train_dataloader == expected.train_dataloader


def test_the_work_dir_of_a_named_config_is_in_the_working_directory():
    assert load_config(f'vitae_mm::det/{DETECTOR}.py').work_dir == f'work_dirs/{DETECTOR}'


@pytest.mark.parametrize('task', ['cls', 'det', 'seg', 'pose', 'ssl'])
def test_types_of_a_base_belong_to_its_codebase(elsewhere, task):
    [path] = ROOT.glob(f'configs/{task}/*demo*.py')
    (elsewhere / 'own.py').write_text(f"_base_ = 'vitae_mm::{task}/{path.name}'\n")
    cfg = Config.fromfile('own.py')
    assert cfg.model == Config.fromfile(path).model
    assert build_model(cfg).backbone


def test_a_base_needs_no_import_beforehand(elsewhere):
    name = f'vitae_mm::det/{DETECTOR}.py'
    (elsewhere / 'own.py').write_text(f"_base_ = __import__('vitae_mm').find_config({name!r})\n")
    code = "from mmengine.config import Config; print(Config.fromfile('own.py').model.type)"
    done = subprocess.run(
        [sys.executable, '-c', code], capture_output=True, text=True, check=True, env=env()
    )
    assert done.stdout.split()[-1] == 'MaskRCNN'


def test_a_part_of_a_config_is_a_base(elsewhere):
    (elsewhere / 'own.py').write_text(
        "_base_ = ['mmdet::_base_/models/retinanet_r50_fpn.py', "
        "'vitae_mm::_base_/backbones/vitaev2_s.py']\n"
        'model = dict(backbone=dict(_delete_=True, **_base_.backbone))\n'
    )
    cfg = Config.fromfile('own.py')
    assert (cfg.model._scope_, cfg.model.backbone.type) == ('mmdet', 'vitae_mm.ViTAEv2')


@pytest.mark.parametrize('read', [Config.fromfile, load_config])
def test_similar_names_are_listed_for_an_unknown_config(elsewhere, read):
    unknown = 'vitae_mm::det/mask_rcnn_vitaev2_m_3x.py'
    (elsewhere / 'own.py').write_text(f'_base_ = {unknown!r}\n')
    for path in (unknown, 'own.py'):
        with pytest.raises(InputError, match=r'does not exist.*det/mask_rcnn_vitaev2_s_3x\.py'):
            read(path)


def test_files_and_configs_of_other_packages_are_left_to_mmengine():
    assert find_config('mmdet::a/b.py') == 'mmdet::a/b.py'
    assert find_config('configs/a.py') == 'configs/a.py'


def test_mmpretrain_lists_and_builds_the_classifiers():
    metafile = yaml.safe_load((ROOT / 'configs/cls/metafile.yml').read_text())
    names = {model['Name'] for model in metafile['Models']}
    ours = {*mmpretrain.list_models('*vitae*'), *mmpretrain.list_models('*ceit*')}
    assert ours == {name for name in names if name.startswith(('vitae', 'ceit'))}
    assert names < set(mmpretrain.list_models())
    assert len(ours) > 20
    for name, network in dict(ceit_t='CeiT', vitae_t='ViTAE', vitaev2_s='ViTAEv2').items():
        model = mmpretrain.get_model(f'{name}_300e_in1k', head=dict(num_classes=7))
        assert type(model.backbone).__name__ == network
        assert model.head.num_classes == 7


def test_mmengine_lists_all_models():
    names = BaseInferencer.list_models('vitae_mm')
    assert {'vitaev2_s_300e_in1k', 'mask_rcnn_vitaev2_s_3x'} < set(names)


@pytest.mark.parametrize(
    'inferencer, config, options',
    [
        (DetInferencer, f'det/{DETECTOR}', {}),
        (MMSegInferencer, 'seg/upernet_vitaev2_demo_10e_shapes', {}),
        (
            MMPoseInferencer,
            'pose/simple_baseline_vitaev2_demo_3e_shapes',
            dict(det_model='whole_image'),
        ),
    ],
)
@pytest.mark.filterwarnings('ignore:Checkpoint is not loaded')
def test_inferencers_accept_our_configs(monkeypatch, inferencer, config, options):
    # inferencers leave their scope behind
    monkeypatch.setattr(DefaultScope, '_instance_dict', DefaultScope._instance_dict.copy())
    cfg = Config.fromfile(f'vitae_mm::{config}.py')
    predict = inferencer(cfg, device='cpu', **options)
    result = predict(IMAGE)
    # that of mmpose is a generator
    assert 'predictions' in (result if isinstance(result, dict) else next(result))


def test_importing_the_package_imports_no_codebase():
    code = (
        'import sys, vitae_mm; '
        "print({'torch', 'mmengine', 'mmpretrain', 'mmdet'} & set(sys.modules) or 'none')"
    )
    done = subprocess.run(
        [sys.executable, '-c', code], capture_output=True, text=True, check=True, env=env()
    )
    assert done.stdout.strip() == 'none'


@pytest.fixture
def module(elsewhere, monkeypatch):
    """Name of a module that can be imported."""
    (elsewhere / 'vitae_mm_probe.py').write_text('value = 1\n')
    monkeypatch.syspath_prepend(str(elsewhere))
    monkeypatch.setattr(sys, 'meta_path', list(sys.meta_path))
    yield 'vitae_mm_probe'
    sys.modules.pop('vitae_mm_probe', None)


@pytest.mark.parametrize('before', [True, False])
def test_an_action_follows_an_import(module, before):
    values = []
    if before:
        importlib.import_module(module)
    finders = len(sys.meta_path)
    when_imported(module, lambda imported: values.append(imported.value))
    importlib.util.find_spec(module)  # finding it is not importing it
    assert values == ([1] if before else [])
    importlib.import_module(module)
    assert values == [1] and len(sys.meta_path) == finders


def test_two_actions_wait_for_one_module(module):
    values = []
    finders = len(sys.meta_path)
    for factor in (1, 10):
        when_imported(
            module, lambda imported, factor=factor: values.append(factor * imported.value)
        )
    importlib.import_module(module)
    assert sorted(values) == [1, 10] and len(sys.meta_path) == finders


def test_an_action_waits_for_a_module_that_failed(elsewhere, module):
    values = []
    when_imported(module, lambda imported: values.append(imported.value))
    (elsewhere / f'{module}.py').write_text('1 / 0')
    with pytest.raises(ZeroDivisionError):
        importlib.import_module(module)
    assert not values
    (elsewhere / f'{module}.py').write_text('value = 2  # of another size, or it is not compiled')
    importlib.import_module(module)
    assert values == [2]


def test_a_missing_module_stays_missing(module):
    when_imported('vitae_mm_missing', print)
    with pytest.raises(ModuleNotFoundError, match="No module named 'vitae_mm_missing'"):
        importlib.import_module('vitae_mm_missing')


def test_an_action_that_fails_does_not_make_the_import_fail(module):
    when_imported(module, lambda imported: imported.missing)
    with pytest.warns(UserWarning, match=f'{module} does not find what vitae_mm adds'):
        importlib.import_module(module)
