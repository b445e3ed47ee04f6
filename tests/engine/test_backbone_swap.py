import copy
import importlib.util
from pathlib import Path

import pytest
from mmengine.config import Config

from vitae_mm.engine.backbone_swap import RGB, replace_backbone
from vitae_mm.errors import InputError

from ..helpers import config_files

PYRAMIDAL = dict(type='vitae_mm.ViTAEv2', arch='small')
SINGLE = dict(type='vitae_mm.ViTAE', arch='tiny')
FASTER_RCNN = 'mmdet::faster_rcnn/faster-rcnn_r50_fpn_1x_coco.py'
RETINANET = 'mmdet::retinanet/retinanet_r50_fpn_1x_coco.py'
DINO = 'mmdet::dino/dino-4scale_r50_8xb2-12e_coco.py'
DC5 = 'mmdet::faster_rcnn/faster-rcnn_r50-caffe-dc5_1x_coco.py'
DEEPLAB = 'mmseg::deeplabv3plus/deeplabv3plus_r50-d8_4xb4-80k_ade20k-512x512.py'
UPERNET = 'mmseg::upernet/upernet_r50_4xb4-80k_ade20k-512x512.py'
FASTFCN = 'mmseg::fastfcn/fastfcn_r50-d32_jpu_psp_4xb4-80k_ade20k-512x512.py'
KNET = 'mmseg::knet/knet-s3_r50-d8_fcn_8xb2-adamw-80k_ade20k-512x512.py'
RESNET = 'mmpretrain::resnet/resnet50_8xb32_in1k.py'


def locate(name):
    """The path of a config, by which mmengine finds it faster than by its name."""
    package, _, path = name.partition('::')
    return Path(importlib.util.find_spec(package).origin).parent / '.mim' / 'configs' / path


def read(name):
    return Config.fromfile(locate(name))


def merged(name, backbone):
    """The model of a config that inherits from another and replaces its backbone."""
    cfg = read(name)
    cfg.merge_from_dict(dict(model=replace_backbone(cfg, backbone)))
    return cfg.model


def test_config_file_replaces_the_backbone(tmp_path):
    (tmp_path / 'a.py').write_text(
        f"_base_ = '{locate(DINO)}'\n"
        'from vitae_mm.engine.backbone_swap import replace_backbone\n'
        f'model = replace_backbone(_base_, dict({PYRAMIDAL}, drop_path_rate=0.1))\n'
        'model.bbox_head.num_classes = 3\n'
    )
    cfg, base = Config.fromfile(tmp_path / 'a.py'), read(DINO)
    assert cfg.model.backbone == dict(PYRAMIDAL, drop_path_rate=0.1, out_indices=[1, 2, 3])
    assert cfg.model.neck == dict(base.model.neck, in_channels=[128, 256, 512])
    assert cfg.model.bbox_head == dict(base.model.bbox_head, num_classes=3)
    # the rest is as before, and the file can be loaded again
    for model in (cfg.model, base.model):
        for name in ('backbone', 'neck', 'bbox_head'):
            model.pop(name)
        model.pop('_scope_', None)
    assert cfg.model == base.model
    cfg.dump(tmp_path / 'b.py')
    assert Config.fromfile(tmp_path / 'b.py').model == cfg.model


@pytest.mark.slow  # mmengine reads all metafiles of mmdet
def test_configs_are_named_or_loaded(tmp_path):
    cfg = read(FASTER_RCNN)
    before = copy.deepcopy(cfg.model)
    model = replace_backbone(cfg, PYRAMIDAL)
    assert cfg.model == before
    cfg.dump(tmp_path / 'a.py')
    for config in (FASTER_RCNN, tmp_path / 'a.py', str(tmp_path / 'a.py'), dict(cfg)):
        found = replace_backbone(config, PYRAMIDAL)
        found.pop('_scope_', None)
        assert found == model


def test_own_configs_are_reproduced():
    model = replace_backbone(config_files.ROOT / 'det/mask_rcnn_r50_3x.py', PYRAMIDAL)
    expected = config_files.read('det/mask_rcnn_vitaev2_s_3x.py').model
    assert model.neck == expected.neck and model.roi_head == expected.roi_head
    assert model.backbone.out_indices == list(expected.backbone.out_indices)
    pyramid = replace_backbone(config_files.ROOT / 'det/mask_rcnn_r50_3x.py', SINGLE).neck
    expected = config_files.read('det/mask_rcnn_vitae_s_1x.py').model.neck
    assert pyramid == dict(expected, in_channels=256, _delete_=True)


@pytest.mark.parametrize(
    'name, indices, options',
    [
        (FASTER_RCNN, [0, 1, 2, 3], {'neck.in_channels': [64, 128, 256, 512]}),
        # by stride: the last stage of this ResNet is dilated
        (
            DC5,
            [2],
            {
                'rpn_head.in_channels': 256,
                'roi_head.bbox_roi_extractor.out_channels': 256,
                'roi_head.bbox_head.in_channels': 256,
            },
        ),
        # by index: three maps of this ResNet have stride 8
        (
            DEEPLAB,
            [0, 1, 2, 3],
            {
                'decode_head.in_channels': 512,
                'decode_head.c1_in_channels': 64,
                'auxiliary_head.in_channels': 256,
                'pretrained': None,
            },
        ),
        # the auxiliary head takes a map of the backbone that the neck passes on
        (
            FASTFCN,
            [1, 2, 3],
            {
                'neck.in_channels': (128, 256, 512),
                'decode_head.in_channels': 2048,
                'auxiliary_head.in_channels': 256,
            },
        ),
        # 512 are also the channels of ViTAEv2-S and of the second map of the ResNet
        (
            KNET,
            [0, 1, 2, 3],
            {
                'decode_head.kernel_generate_head.in_channels': 512,
                'decode_head.kernel_update_head.0.in_channels': 512,
            },
        ),
        (RESNET, [3], {'head.in_channels': 512}),
    ],
)
def test_maps_and_channels(name, indices, options):
    model = merged(name, PYRAMIDAL)
    assert model.backbone == dict(PYRAMIDAL, out_indices=indices)
    for path, expected in options.items():
        value = model
        for key in path.split('.'):
            value = value[int(key) if key.isdigit() else key]
        assert value == expected, path


def test_pose_estimators():
    pytest.importorskip('mmpose')
    folder = 'mmpose::body_2d_keypoint'
    heatmap = f'{folder}/topdown_heatmap/coco/td-hm_res50_8xb64-210e_coco-256x192.py'
    assert merged(heatmap, PYRAMIDAL).head.in_channels == 512
    with pytest.raises(
        InputError,
        match=r'^TopdownPoseEstimator takes maps of strides \[32\], but ViTAE has \[16\]: ',
    ):
        replace_backbone(read(heatmap), SINGLE)
    # pooled maps can have any stride
    regression = f'{folder}/topdown_regression/coco/td-reg_res50_8xb64-210e_coco-256x192.py'
    model = merged(regression, SINGLE)
    assert model.head.in_channels == 256 and model.neck == dict(type='GlobalAveragePooling')


def test_chosen_maps_are_kept():
    model = merged(RESNET, dict(PYRAMIDAL, out_indices=(2,)))
    assert model.backbone.out_indices == (2,) and model.head.in_channels == 256


def test_a_pyramid_takes_the_place_of_a_plain_fpn():
    pyramid = dict(type='vitae_mm.SimpleFeaturePyramid', in_channels=256)
    assert merged(FASTER_RCNN, SINGLE).neck == dict(pyramid, out_channels=256, num_outs=5)
    # other necks follow it
    fpn = dict(read(RETINANET).model.neck, in_channels=[256] * 4)
    assert merged(RETINANET, SINGLE).neck == [pyramid, fpn]
    model = merged(UPERNET, SINGLE)
    assert model.neck == pyramid
    assert model.decode_head.in_channels == [256] * 4
    assert model.auxiliary_head.in_channels == 256


def test_scales_that_the_backbone_does_not_have():
    with pytest.raises(
        InputError,
        match=r'^DINO takes maps of strides \[8, 16, 32\], but ViTAE with SimpleFeaturePyramid has '
        r'\[4, 8, 16, 32\]: use a backbone with these scales \(ViTAEv2 has 4, 8, 16 and 32\), or ',
    ):
        replace_backbone(read(DINO), SINGLE)
    cfg = read('mmdet::yolof/yolof_r50-c5_8xb8-1x_coco.py')
    with pytest.raises(InputError, match=r'^YOLOF takes maps of strides \[32\], but ViTAE has '):
        replace_backbone(cfg, SINGLE)
    # this model has no place for a neck
    cfg = read('mmdet::mask2former_vis/mask2former_r50_8xb2-8e_youtubevis2019.py')
    with pytest.raises(
        InputError,
        match=r'^Mask2FormerVideo takes maps of strides \[4, 8, 16, 32\], but ViTAE has \[',
    ):
        replace_backbone(cfg, SINGLE)
    cfg = read(FASTER_RCNN)
    cfg.model.backbone.strides = (2, 2, 2, 2)
    with pytest.raises(InputError, match=r'strides \[8, 16, 32, 64\], but ViTAEv2 has \[4, 8, 16,'):
        replace_backbone(cfg, PYRAMIDAL)


def test_models_that_cannot_have_another_backbone():
    cfg = read('mmdet::faster_rcnn/faster-rcnn_r50-caffe_c4-1x_coco.py')
    with pytest.raises(InputError, match='^FasterRCNN has the last stage of a ResNet in its head'):
        replace_backbone(cfg, PYRAMIDAL)
    cfg = read(RESNET)
    cfg.model.head.in_channels = 100
    with pytest.raises(
        InputError,
        match=r'^ImageClassifier: neither neck nor heads have the in_channels of ResNet, \[2048\]',
    ):
        replace_backbone(cfg, PYRAMIDAL)
    with pytest.raises(InputError, match='^ResNet is not a backbone of vitae_mm'):
        replace_backbone(cfg, cfg.model.backbone)
    # the second describes a network of another package
    for model in (dict(type='A'), dict(type='A', detector=dict(backbone=dict(name='b')))):
        with pytest.raises(InputError, match='^A has no backbone: there is nothing to replace'):
            replace_backbone(dict(model=model), PYRAMIDAL)


def test_images_are_normalized_as_the_weights_expect():
    caffe = merged(DC5, PYRAMIDAL).data_preprocessor
    assert {key: caffe[key] for key in RGB} == RGB and caffe.pad_size_divisor == 32
    cfg = read(FASTER_RCNN)
    cfg.model.data_preprocessor.mean = [1, 2, 3]
    assert replace_backbone(cfg, PYRAMIDAL).data_preprocessor == cfg.model.data_preprocessor


def test_pooling_of_a_fixed_size():
    cfg = read('mmdet::reid/reid_r50_8xb32-6e_mot17train80_test-mot17val20.py')
    model = replace_backbone(cfg, PYRAMIDAL)
    assert model.head.in_channels == 512
    assert model.data_preprocessor == cfg.model.data_preprocessor
    # weights of the whole model
    assert cfg.model.init_cfg.type == 'Pretrained' and model.init_cfg is None
    with pytest.raises(InputError, match=r'^BaseReID takes maps of strides \[32\], but ViTAE has'):
        replace_backbone(cfg, SINGLE)


def test_weights_of_timm_are_not_downloaded():
    pytest.importorskip('timm')
    name = 'mmdet::timm_example/retinanet_timm-tv-resnet50_fpn_1x_coco.py'
    assert merged(name, PYRAMIDAL).neck.in_channels == [64, 128, 256, 512]


def test_detectors_within_other_models():
    name = 'mmdet::soft_teacher/soft-teacher_faster-rcnn_r50-caffe_fpn_180k_semi-0.1-coco.py'
    model = merged(name, PYRAMIDAL)
    assert model.type == 'SoftTeacher'
    assert model.detector.backbone.type == 'vitae_mm.ViTAEv2'
    assert model.detector.neck.in_channels == [64, 128, 256, 512]
    for part in (model, model.detector):
        assert part.data_preprocessor.get('data_preprocessor', part.data_preprocessor).bgr_to_rgb
