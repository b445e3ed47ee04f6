import pytest
import torch
from mmengine.config import Config
from mmengine.structures import InstanceData
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from vitae_mm.compat import plain_attention
from vitae_mm.engine.complexity import (
    count_macs,
    count_parameters,
    count_parts,
    input_size,
    region_limits,
)
from vitae_mm.engine.models import build_model
from vitae_mm.errors import InputError

from ..helpers.commands import ROOT

SIZE = (64, 96)


def read(name):
    return Config.fromfile(ROOT / 'configs' / f'{name}.py')


@pytest.fixture(scope='module')
def detector():
    return build_model(read('det/mask_rcnn_vitaev2_demo_4e_shapes'))


@pytest.mark.parametrize(
    'name, size',
    [
        ('cls/vitae_t_300e_in1k', (224, 224)),
        ('cls/ceit_t_384_30e_in1k', (384, 384)),
        ('cls/ceit_t_100e_cifar10', (224, 224)),
        ('cifar10/vitae_t_32_10e_cifar10_10pct', (32, 32)),
        ('det/mask_rcnn_vitaev2_s_3x', (800, 1344)),  # 1333, padded to a multiple of 32
        ('seg/upernet_vitaev2_s_160k_ade20k', (512, 2048)),
        ('pose/simple_baseline_vitaev2_s_210e_coco', (256, 192)),
    ],
)
def test_the_input_size_is_that_of_test_images(name, size):
    assert input_size(read(name)) == size


def test_the_input_size_is_that_of_a_sliding_window():
    cfg = read('seg/upernet_vitaev2_s_160k_ade20k')
    cfg.model.test_cfg = dict(mode='slide', crop_size=(512, 640), stride=(340, 340))
    assert input_size(cfg) == (512, 640)


@pytest.mark.parametrize(
    'pipeline', [[], [dict(type='LoadImageFromFile')], [dict(type='Resize', scale_factor=0.5)]]
)
def test_an_unknown_input_size_is_reported(pipeline):
    cfg = Config(dict(model={}, test_dataloader=dict(dataset=dict(pipeline=pipeline))))
    with pytest.raises(InputError, match='give --size H W'):
        input_size(cfg)


def test_counting_computes_no_values_and_changes_none(detector):
    before = {name: value.clone() for name, value in detector.state_dict().items()}
    count_parts(detector, (4096, 8192))
    for name, value in detector.state_dict().items():
        assert torch.equal(value, before[name])


def test_a_detector_is_counted_as_mmdet_runs_it(detector):
    with torch.no_grad(), plain_attention(), FlopCounterMode(display=False) as counter:
        maps = detector.extract_feat(torch.rand(1, 3, *SIZE))
        detector.rpn_head(maps)
        boxes = torch.tensor([[0.0, 0.0, 32.0, 32.0]]).repeat(100, 1)  # the config's limit
        detector.roi_head.forward(maps, [InstanceData(bboxes=boxes)])  # 100 masks
    assert region_limits(detector) == dict(bbox=100, mask=100)
    assert count_macs(detector, SIZE) == counter.get_total_flops() // 2


@pytest.mark.parametrize(
    'name, parts',
    [
        ('cls/vitaev2_demo_4e_shapes', {'backbone', 'head'}),
        pytest.param(
            'det/cascade_rcnn_r50_1x',
            {'backbone', 'neck', 'rpn_head', 'roi_head.bbox_head', 'roi_head.mask_head'},
            marks=pytest.mark.slow,
        ),
        pytest.param(
            'det/retinanet_r50_1x', {'backbone', 'neck', 'bbox_head'}, marks=pytest.mark.slow
        ),
        ('seg/upernet_vitaev2_demo_10e_shapes', {'backbone', 'decode_head'}),
        ('pose/simple_baseline_vitaev2_demo_3e_shapes', {'backbone', 'head'}),
    ],
)
def test_the_costs_of_parts_add_up(name, parts):
    model = build_model(read(name))
    whole, *rest = count_parts(model, SIZE)
    assert {part.name for part in rest if part.macs} == parts
    assert whole.macs == sum(part.macs or 0 for part in rest)
    assert whole.parameters == sum(part.parameters for part in rest) == count_parameters(model)
    # the auxiliary head is only used in training
    assert {part.name for part in rest} - parts <= {'auxiliary_head'}


def test_unknown_roi_heads_are_not_counted():
    cfg = read('det/mask_rcnn_vitaev2_demo_4e_shapes')
    cfg.model.roi_head.type = 'DoubleHeadRoIHead'
    cfg.model.roi_head.update(reg_roi_scale_factor=1.3)
    model = build_model(cfg)
    assert region_limits(model) == {}
    assert [part.name for part in count_parts(model, SIZE) if part.macs is None] == [
        'roi_head.bbox_head',
        'roi_head.mask_head',
    ]


def test_the_parts_of_plain_networks_are_counted():
    network = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 2, 1))
    assert [(part.name, part.parameters, part.macs) for part in count_parts(network, (4, 5))] == [
        ('Sequential', 242, 4640),
        ('0', 224, 4320),
        ('2', 18, 320),
    ]


def test_a_shared_module_is_counted_each_time_it_runs():
    conv = nn.Conv2d(3, 3, 3, padding=1)
    model = nn.Sequential(conv, nn.ReLU(), conv)
    before = conv.weight.clone()
    assert count_macs(model, (8, 8)) == 2 * 64 * 9 * 9
    assert torch.equal(model[2].weight, before)
