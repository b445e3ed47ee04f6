from argparse import Namespace
from functools import partial
from pathlib import Path

import pytest
import torch
from mmengine.config import Config

from vitae_mm.checkpoints import Layout, convert_state_dict, publish_state_dict, read_checkpoint
from vitae_mm.engine.models import build_model
from vitae_mm.errors import InputError
from vitae_mm.selfsup import MaskedViTAE

from ..helpers import golden
from ..helpers.archs import PATCH
from ..helpers.commands import ROOT, complaint, run

TOOL = 'tools/convert_checkpoint.py'


@pytest.fixture(scope='module')
def weights():
    return golden.published_weights('ViTAEv2_S')


@pytest.fixture
def convert(run_tool):
    return partial(run_tool, TOOL)


@pytest.mark.parametrize(
    'wrap',
    [
        lambda state: state,
        lambda state: dict(
            epoch=1,
            state_dict={},
            state_dict_ema={f'module.{key}': value for key, value in state.items()},
        ),
    ],
    ids=['bare', 'ema'],
)
def test_a_published_file_is_recognized(convert, weights, tmp_path, wrap):
    torch.save(wrap(weights), tmp_path / 'a.pth')
    done = convert(tmp_path / 'a.pth', tmp_path / 'b.pth')
    assert "ViTAEv2 'small', classifier of 1000 classes" in done
    converted = torch.load(tmp_path / 'b.pth', weights_only=True)
    assert converted['meta']['arch'] == 'small'
    assert torch.equal(converted['state_dict']['head.fc.bias'], weights['head.bias'])


@pytest.mark.parametrize(
    'name, words',
    [
        ('ViTAE_basic_Tiny', "ViTAE 'tiny'"),
        pytest.param('ViTAE_basic_Base', "ViTAE 'base'", marks=pytest.mark.slow),
        ('ceit_tiny_patch16_384', "CeiT 'tiny'"),
    ],
)
@pytest.mark.parametrize(
    'wrap',
    [
        lambda state: {f'module.{key}': value for key, value in state.items()},
        lambda state: dict(
            epoch=3,
            arch='x',
            args=Namespace(lr=0.1, data=Path('data')),
            optimizer={'state': {}},
            state_dict={key: value * 0 for key, value in state.items()},
            state_dict_ema=state,
        ),
    ],
    ids=['ddp', 'training'],
)
def test_files_of_other_networks_are_recognized(convert, tmp_path, name, words, wrap):
    weights = golden.published_weights(name)
    torch.save(wrap(weights), tmp_path / 'a.pth')
    done = convert(tmp_path / 'a.pth', tmp_path / 'b.pth')
    assert f'{words}, classifier of 1000 classes' in done
    state = torch.load(tmp_path / 'b.pth', weights_only=True)['state_dict']
    assert torch.equal(state['head.fc.weight'], weights['head.weight'])


def test_the_head_is_dropped_on_request(convert, weights, tmp_path):
    torch.save(weights, tmp_path / 'a.pth')
    done = convert(tmp_path / 'a.pth', tmp_path / 'b.pth', '--drop-head')
    assert 'no classifier' in done
    state = torch.load(tmp_path / 'b.pth', weights_only=True)['state_dict']
    assert state and all(key.startswith('backbone.') for key in state)


@pytest.mark.parametrize('name', ['ViTAEv2_S', 'ViTAE_basic_Tiny', 'ceit_tiny_patch16_224'])
def test_converting_back_restores_the_file(convert, tmp_path, name):
    published = golden.published_weights(name)
    torch.save(published, tmp_path / 'a.pth')
    convert(tmp_path / 'a.pth', tmp_path / 'b.pth')
    convert(tmp_path / 'b.pth', tmp_path / 'c.pth', '--to-published')
    back = torch.load(tmp_path / 'c.pth', weights_only=True)['state_dict']
    assert back.keys() == published.keys()
    assert all(
        torch.equal(back[key], value)
        for key, value in published.items()
        if not key.endswith('relative_position_index')
    )


def test_safetensors_are_written_and_read(convert, tmp_path):
    torch.save(golden.published_weights('ViTAE_basic_Tiny'), tmp_path / 'a.pth')
    convert(tmp_path / 'a.pth', tmp_path / 'b.safetensors')
    content = read_checkpoint(tmp_path / 'b.safetensors')
    assert content['meta']['network'] == 'ViTAE' and content['meta']['source'] == 'a.pth'
    convert(tmp_path / 'b.safetensors', tmp_path / 'c.safetensors', '--to-published')
    convert(tmp_path / 'c.safetensors', tmp_path / 'd.pth')
    state = torch.load(tmp_path / 'd.pth', weights_only=True)['state_dict']
    assert state.keys() == content['state_dict'].keys()
    assert all(torch.equal(state[key], value) for key, value in content['state_dict'].items())


def test_our_checkpoints_are_written_in_the_other_format(convert, tmp_path):
    state = {f'backbone.{key}': value for key, value in MaskedViTAE(PATCH, 64).state_dict().items()}
    meta = dict(epoch=3, dataset_meta=dict(classes=('a', 'b')))
    torch.save(dict(meta=meta, state_dict=state, optimizer={}), tmp_path / 'a.pth')
    done = convert(tmp_path / 'a.pth', tmp_path / 'b.safetensors')
    assert f'a custom arch, no classifier; wrappers removed: state_dict; {len(state)}' in done
    convert(tmp_path / 'b.safetensors', tmp_path / 'c.pth')
    content = torch.load(tmp_path / 'c.pth', weights_only=True)
    assert content['meta']['dataset_meta'] == dict(classes=['a', 'b'])
    assert content['state_dict'].keys() == state.keys()
    assert all(torch.equal(content['state_dict'][key], value) for key, value in state.items())
    with pytest.raises(InputError, match=r'already has the names.*write it as DST\.safetensors'):
        convert(tmp_path / 'c.pth', tmp_path / 'd.pth')


POSE = dict(
    default_scope='mmpose',
    model=dict(
        type='TopdownPoseEstimator',
        backbone=dict(type='vitae_mm.ViTAEv2', arch='small'),
        head=dict(
            type='HeatmapHead', in_channels=512, out_channels=17, loss=dict(type='KeypointMSELoss')
        ),
    ),
)
SEGMENTOR = dict(
    default_scope='mmseg',
    model=dict(
        type='EncoderDecoder',
        backbone=dict(type='vitae_mm.ViTAEv2', arch='small', out_indices=(0, 1, 2, 3)),
        decode_head=dict(
            type='UPerHead',
            in_channels=[64, 128, 256, 512],
            in_index=[0, 1, 2, 3],
            channels=16,
            num_classes=150,
        ),
        auxiliary_head=dict(
            type='FCNHead', in_channels=256, in_index=2, channels=16, num_classes=150
        ),
    ),
)


# names in files of mmdet 2, mmsegmentation 0 and mmpose 0
DETECTOR_NAMES = [
    'neck.lateral_convs.0.conv.weight',
    'neck.fpn_convs.3.conv.bias',
    'rpn_head.rpn_conv.weight',
    'rpn_head.rpn_cls.bias',
    'rpn_head.rpn_reg.weight',
    'roi_head.bbox_head.shared_fcs.1.weight',
    'roi_head.bbox_head.fc_cls.weight',
    'roi_head.bbox_head.fc_reg.bias',
    'roi_head.mask_head.convs.3.conv.weight',
    'roi_head.mask_head.upsample.weight',
    'roi_head.mask_head.conv_logits.bias',
]
SEGMENTOR_NAMES = [
    'decode_head.conv_seg.weight',
    'decode_head.psp_modules.0.1.conv.weight',
    'decode_head.bottleneck.conv.weight',
    'decode_head.lateral_convs.0.conv.weight',
    'decode_head.fpn_convs.2.conv.weight',
    'decode_head.fpn_bottleneck.conv.weight',
    'auxiliary_head.convs.0.conv.weight',
    'auxiliary_head.conv_seg.bias',
]
POSE_NAMES = [
    'keypoint_head.deconv_layers.0.weight',
    'keypoint_head.deconv_layers.1.running_var',
    'keypoint_head.deconv_layers.6.weight',
    'keypoint_head.final_layer.weight',
    'keypoint_head.final_layer.bias',
]


@pytest.mark.slow
@pytest.mark.parametrize(
    'config, earlier, names',
    [
        (ROOT / 'configs/det/mask_rcnn_vitaev2_s_3x.py', {}, DETECTOR_NAMES),
        (SEGMENTOR, {}, SEGMENTOR_NAMES),
        (POSE, {'head.': 'keypoint_head.'}, POSE_NAMES),
    ],
    ids=['detector', 'segmentor', 'pose'],
)
def test_models_of_the_previous_generation_are_converted(convert, tmp_path, config, earlier, names):
    """Files with the names of the previous generation load into our model."""
    cfg = Config(config) if isinstance(config, dict) else Config.fromfile(config)
    model = build_model(cfg)
    backbone = golden.published_weights('ViTAEv2_S_dense')
    theirs = {f'backbone.{key}': value for key, value in backbone.items()}
    for key, value in model.state_dict().items():
        if not key.startswith('backbone.'):
            renamed = key
            for ours, name in earlier.items():
                renamed = name + renamed.removeprefix(ours)
            theirs[renamed] = value
    assert set(names) <= theirs.keys()
    torch.save(dict(meta={'CLASSES': ('a',)}, state_dict=theirs), tmp_path / 'a.pth')
    done = convert(tmp_path / 'a.pth', tmp_path / 'b.pth')
    assert "ViTAEv2 'small', with" in done
    state = torch.load(tmp_path / 'b.pth', weights_only=True)['state_dict']
    model.load_state_dict(state, strict=True)
    expected = convert_state_dict(backbone, Layout('vitaev2', False))
    assert torch.equal(
        model.backbone.stages[3].cells[1].pcm.conv3.weight,
        expected['backbone.stages.3.cells.1.pcm.conv3.weight'],
    )
    assert publish_state_dict(state, 'vitaev2').keys() == theirs.keys()


def test_a_file_without_classifier_is_recognized(convert, tmp_path):
    torch.save(dict(model=golden.published_weights('ViTAEv2_S_dense')), tmp_path / 'a.pth')
    done = convert(tmp_path / 'a.pth', tmp_path / 'b.pth')
    assert 'no classifier; wrappers removed: model;' in done


@pytest.mark.slow
def test_rejected_files_are_not_converted(weights, tmp_path):
    src, dst = tmp_path / 'a.pth', tmp_path / 'b.pth'
    cases = [
        ({**weights, 'layers.9.odd.weight': torch.ones(1)}, 'layers.9.odd.weight'),
        ({key: value for key, value in weights.items() if 'layers.2.NC.7' not in key}, 'missing'),
        ({**weights, 'layers.0.RC.PCM.0.bias': torch.ones(3)}, '(3,) for (64,)'),
        ({**weights, 'layers.2.NC.8.norm1.bias': torch.ones(256)}, 'cells.8.norm1.bias'),
    ]
    for state, words in cases:
        torch.save(state, src)
        assert words in complaint(run('python', TOOL, src, dst))
        assert not dst.exists()
    src.write_bytes(src.read_bytes()[:1000])
    assert 'truncated' in complaint(run('python', TOOL, src, dst))
    dst.write_text('mine')
    assert 'exists' in complaint(run('python', TOOL, src, dst))
    assert dst.read_text() == 'mine'


def test_kernels_are_inflated_on_request(convert, tmp_path):
    state = {f'backbone.{key}': value for key, value in MaskedViTAE(PATCH, 64).state_dict().items()}
    torch.save(dict(state_dict={**state, 'neck.mask_token': torch.ones(1)}), tmp_path / 'a.pth')
    done = convert(tmp_path / 'a.pth', tmp_path / 'b.pth', '--inflate')
    assert '6 parallel convs are inflated to 3x3' in done and 'a custom arch' in done
    done = convert(tmp_path / 'b.pth', tmp_path / 'c.pth', '--inflate', '--drop-head')
    assert 'parallel convs are 3x3 already, nothing is inflated' in done
    larger, same = (
        torch.load(tmp_path / name, weights_only=True)['state_dict'] for name in ('b.pth', 'c.pth')
    )
    key = 'backbone.stages.0.cells.2.pcm.conv2.weight'
    assert torch.equal(larger[key][..., 1, 1], state[key][..., 0, 0])
    assert larger[key].shape == (16, 16, 3, 3) and larger[key].count_nonzero() == 16 * 16
    assert larger.keys() - same.keys() == {'neck.mask_token'}
    assert all(torch.equal(value, larger[name]) for name, value in same.items())


def test_trained_weights_are_converted_instead_of_averages(convert, tmp_path):
    average = {
        f'backbone.{key}': value for key, value in MaskedViTAE(PATCH, 64).state_dict().items()
    }
    trained = {key: value + 1 for key, value in average.items()}
    torch.save(
        dict(
            state_dict=average,
            ema_state_dict={
                'steps': torch.tensor(3),
                **{f'module.{key}': value for key, value in trained.items()},
            },
        ),
        tmp_path / 'a.pth',
    )
    for options, expected in (((), average), (('--no-ema',), trained)):
        convert(tmp_path / 'a.pth', tmp_path / 'b.pth', '--inflate', '--overwrite', *options)
        written = torch.load(tmp_path / 'b.pth', weights_only=True)['state_dict']
        key = 'backbone.stages.0.cells.2.pcm.conv2.weight'
        assert torch.equal(written[key][..., 1, 1], expected[key][..., 0, 0])


@pytest.mark.slow
def test_the_published_arch_is_named_after_inflation(convert, tmp_path):
    state = {f'backbone.{key}': value for key, value in MaskedViTAE().state_dict().items()}
    torch.save(state, tmp_path / 'a.pth')
    assert "ViTAE 'base', no classifier" in convert(
        tmp_path / 'a.pth', tmp_path / 'b.pth', '--inflate'
    )
    assert torch.load(tmp_path / 'b.pth', weights_only=True)['meta']['arch'] == 'base'
