import re
from pathlib import Path

import pytest
from mmengine.config import Config

from vitae_mm.backbones import ViTAEv2
from vitae_mm.engine.config import load_config
from vitae_mm.engine.models import build_meta_model
from vitae_mm.engine.old_configs import find_our_config, refuse_old_file
from vitae_mm.errors import InputError

from ..helpers.commands import ROOT

MASK_RCNN = """
_base_ = ['../_base_/models/mask_rcnn_r50_fpn.py', '../_base_/default_runtime.py']
model = dict(backbone=dict(_delete_=True, type='ViTAEv2'))
img_norm_cfg = dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], to_rgb=True)
data = dict(train=dict(pipeline=[]))
optimizer = dict(_delete_=True, type='AdamW', lr=1e-4)
lr_config = dict(step=[27, 33])
runner = dict(type='EpochBasedRunner', max_epochs=36)
"""
UPERNET = """
optimizer = dict(type='AdamW', lr=6e-5)
optimizer_config = dict()
lr_config = dict(policy='poly', power=1.0, min_lr=0.0, by_epoch=False)
runner = dict(type='IterBasedRunner', max_iters=160000)
checkpoint_config = dict(by_epoch=False, interval=16000)
evaluation = dict(interval=16000, metric='mIoU')
model = dict(type='EncoderDecoder', train_cfg=dict(), test_cfg=dict(mode='whole'))
data = dict(samples_per_gpu=2, workers_per_gpu=2, train=dict(type='ADE20KDataset'))
"""
POSE = """
log_level = 'INFO'
load_from = None
resume_from = None
dist_params = dict(backend='nccl')
workflow = [('train', 1)]
evaluation = dict(interval=10, metric='mAP')
optimizer = {'type': 'Adam', 'lr': 5e-4}
data = {'samples_per_gpu': 64, 'train': {'type': 'AnimalAP10KDataset'}}
"""
WEAK = """
_base_ = './missing.py'
data = dict(train=dict(pipeline=[]))
optimizer = dict(lr=1e-4)
"""
DETECTION_2_0 = """
train_cfg = dict(rpn=dict(allowed_border=0))
total_epochs = 12
"""


def refusal(path):
    with pytest.raises(InputError) as error:
        load_config(str(path))
    return str(error.value)


@pytest.mark.parametrize(
    'name, text, found, ours',
    [
        ('mask_rcnn_vitaev2_s_fpn_3x_coco', MASK_RCNN, 'lr_config, data', 'det/mask_rcnn'),
        ('upernet_vitaev2_s_512x512_160k_ade20k', UPERNET, 'data, optimizer_config', 'seg/upernet'),
        ('vitaev2_s_ap10k_256x256', POSE, 'data, optimizer, evaluation, workflow', 'pose/simple'),
        ('own', WEAK, 'data, optimizer', None),
        ('detector', DETECTION_2_0, 'total_epochs', None),
    ],
)
def test_old_configs_are_recognized(name, text, found, ours, tmp_path):
    path = tmp_path / f'{name}.py'
    path.write_text(text)
    message = refusal(path)
    assert f'mmcls 0.x ({found}' in message and 'docs/migration.md' in message
    assert ('configs/' in message) == (ours is not None)
    assert ours is None or f'configs/{ours}' in message


def test_heirs_of_old_configs_are_recognized(tmp_path):
    (tmp_path / 'old.py').write_text(MASK_RCNN)
    (tmp_path / 'heir.py').write_text("_base_ = './old.py'\nmodel = dict(neck=dict(num_outs=4))")
    assert 'has the form of mmdet 2.x' in refusal(tmp_path / 'heir.py')


@pytest.mark.parametrize('suffix', ['json', 'yaml'])
def test_other_formats_are_recognized(suffix, tmp_path):
    Config.fromstring(UPERNET, '.py').dump(tmp_path / f'c.{suffix}')
    assert 'has the form of mmdet 2.x' in refusal(tmp_path / f'c.{suffix}')


@pytest.mark.filterwarnings('error:config:UserWarning')
@pytest.mark.parametrize(
    'text',
    [
        "_base_ = 'mmdet::_base_/default_runtime.py'\ndata = dict(train='a', val='b')",
        "optimizer = dict(type='SGD', lr=1)\noptim_wrapper = dict(optimizer=optimizer)",
        "runner = 'me'\ntotal_epochs = 3\ntrain_cfg = dict(max_epochs=total_epochs)",
        "data = dict(train='a', val='b')",
    ],
)
def test_variables_with_old_names_are_accepted(text, tmp_path):
    (tmp_path / 'c.py').write_text(text)
    load_config(str(tmp_path / 'c.py'))
    refuse_old_file(tmp_path / 'c.py')


def test_a_broken_new_config_is_not_taken_for_an_old_one(tmp_path):
    (tmp_path / 'c.py').write_text(f'default_scope = "mmdet"\n{MASK_RCNN}')
    assert 'mask_rcnn_r50_fpn.py does not exist' in refusal(tmp_path / 'c.py')


def test_old_entries_in_a_new_config_are_warned_of(tmp_path):
    (tmp_path / 'c.py').write_text("default_scope = 'mmdet'")
    with pytest.warns(UserWarning, match='entries without effect: data, lr_config;'):
        load_config(
            str(tmp_path / 'c.py'), {'data.samples_per_gpu': 2, 'lr_config': dict(policy='step')}
        )


def test_our_configs_are_no_old_ones():
    for path in ROOT.glob('configs/[!_]*/*.py'):
        refuse_old_file(path)


@pytest.mark.parametrize(
    'name',
    [
        'mmdet::mask_rcnn/mask-rcnn_r50_fpn_1x_coco.py',
        'mmdet::guided_anchoring/ga-fast-rcnn_r50-caffe_fpn_1x_coco.py',
        'mmseg::upernet/upernet_r50_4xb4-160k_ade20k-512x512.py',
        'mmseg::mobilenet_v3/mobilenet-v3-d8_lraspp_4xb4-320k_cityscapes-512x1024.py',
        'mmpretrain::hornet/hornet-base_8xb64_in1k.py',
        'mmpretrain::lenet/lenet5_mnist.py',
        'mmpose::animal_2d_keypoint/topdown_heatmap/ap10k/td-hm_res50_8xb64-210e_ap10k-256x256.py',
    ],
)
@pytest.mark.filterwarnings('ignore:config .* entries without effect')
def test_configs_of_the_codebases_are_accepted(name, tmp_path):
    (tmp_path / 'c.py').write_text(f'_base_ = {name!r}')
    load_config(str(tmp_path / 'c.py'))


@pytest.mark.parametrize(
    'old, ours',
    [
        ('mask_rcnn_vitaev2_s_fpn_3x_coco', 'det/mask_rcnn_vitaev2_s_3x.py'),
        ('cascade_mask_rcnn_vitaev2_s_fpn_1x_coco', 'det/cascade_rcnn_vitaev2_s_1x.py'),
        ('upernet_vitaev2_s_512x512_160k_ade20k', 'seg/upernet_vitaev2_s_160k_ade20k.py'),
        ('ViTAEv2_small_coco_256x192', 'pose/simple_baseline_vitaev2_s_210e_coco.py'),
        ('swin_t_p4_w7_ap10k_256x192', 'pose/simple_baseline_swin_t_210e_ap10k.py'),
        ('mask_rcnn_vitaev2_s_3x', 'det/mask_rcnn_vitaev2_s_3x.py'),
        ('mask_rcnn_x101_fpn_3x_coco', None),
        ('vitaev2_s', None),
    ],
)
def test_the_most_similar_config_has_the_same_network(old, ours):
    assert find_our_config(old) == (Path('configs', ours) if ours else None)


def test_the_example_of_the_guide_is_a_new_config(tmp_path):
    old, new = re.findall(
        r'```python\n(.*?)```', (ROOT / 'docs/migration.md').read_text(), re.DOTALL
    )
    (tmp_path / 'old.py').write_text(old)
    (tmp_path / 'new.py').write_text(new)
    assert 'has the form of mmdet 2.x' in refusal(tmp_path / 'old.py')
    cfg = load_config(str(tmp_path / 'new.py'))
    model = build_meta_model(cfg)
    assert model.roi_head.mask_head.num_classes == 2
    assert type(model.backbone) is ViTAEv2
    assert cfg.train_dataloader.dataset.metainfo.classes == ('cat', 'dog')


def test_the_guide_names_our_configs():
    guide = (ROOT / 'docs/migration.md').read_text()
    for old, ours in re.findall(r'^\| `(\S+)` \| `configs/(\S+)` \|$', guide, re.MULTILINE):
        for schedule in ('1x', '3x'):
            name, path = (text.replace('{1x,3x}', schedule) for text in (old, ours))
            assert find_our_config(name) == Path('configs', path)
