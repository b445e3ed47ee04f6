"""Configs with small models of each codebase on the demo shapes."""

import json
from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.runner import FlexibleRunner, Runner

from vitae_mm.datasets.shapes import CLASSES, MAX_CORNERS
from vitae_mm.datasets.shapes_writer import write_shapes
from vitae_mm.engine import runner
from vitae_mm.engine.config import load_config
from vitae_mm.engine.distributed import prepare_devices

from .archs import TWO_STAGES

SIZES = dict(train=5, val=2)


def make_data(folder: Path) -> Path:
    write_shapes(folder / 'shapes', SIZES)
    return folder / 'shapes'


def write_classifier(
    path: Path, data: Path, batch_size: int = 1, epochs: int = 1, augment: bool = False, **options
) -> Path:
    """Writes a classification config with 16 images; ``augment`` adds all sources of
    randomness."""
    pipeline = [dict(type='LoadImageFromFile'), dict(type='Resize', scale=(32, 32))]
    if augment:
        pipeline.append(dict(type='RandomFlip', prob=0.5))
    pipeline.append(dict(type='PackInputs'))
    model = dict(
        type='ImageClassifier',
        backbone=dict(_backbone(), norm_eval=not augment, drop_path_rate=0.2 if augment else 0.0),
        neck=dict(type='GlobalAveragePooling'),
        head=dict(type='LinearClsHead', num_classes=len(CLASSES), in_channels=16),
        data_preprocessor=dict(mean=[127.0] * 3, std=[64.0] * 3),
    )
    dataset = dict(type='CustomDataset', data_prefix='classes/train', indices=16)
    return _write(
        path,
        'mmpretrain',
        model,
        data,
        dataset,
        pipeline,
        dict(type='Accuracy', topk=1),
        batch_size,
        epochs,
        **options,
    )


def write_detector(path: Path, data: Path, **options) -> Path:
    model = dict(
        type='RetinaNet',
        data_preprocessor=dict(type='DetDataPreprocessor', mean=[127.0] * 3, std=[64.0] * 3),
        backbone=dict(_backbone(), out_indices=(0, 1)),
        neck=dict(type='FPN', in_channels=[8, 16], out_channels=8, num_outs=2),
        bbox_head=dict(
            type='RetinaHead',
            num_classes=len(CLASSES),
            in_channels=8,
            feat_channels=8,
            stacked_convs=1,
            anchor_generator=dict(
                type='AnchorGenerator',
                octave_base_scale=4,
                scales_per_octave=1,
                ratios=[1.0],
                strides=[4, 8],
            ),
        ),
        train_cfg=dict(
            assigner=dict(type='MaxIoUAssigner', pos_iou_thr=0.5, neg_iou_thr=0.4, min_pos_iou=0),
            sampler=dict(type='PseudoSampler'),
            allowed_border=-1,
            pos_weight=-1,
        ),
        test_cfg=dict(
            score_thr=0.05, max_per_img=10, nms_pre=50, nms=dict(type='nms', iou_threshold=0.5)
        ),
    )
    pipeline = [
        dict(type='LoadImageFromFile'),
        dict(type='LoadAnnotations', with_bbox=True),
        dict(type='Resize', scale=(64, 48)),
        dict(type='PackDetInputs'),
    ]
    dataset = dict(
        type='CocoDataset',
        metainfo=dict(classes=CLASSES),
        ann_file='annotations/instances_train.json',
        data_prefix=dict(img='images/train'),
    )
    metric = dict(
        type='CocoMetric', metric='bbox', ann_file=str(data / 'annotations/instances_train.json')
    )
    return _write(path, 'mmdet', model, data, dataset, pipeline, metric, **options)


def write_segmentor(path: Path, data: Path, **options) -> Path:
    model = dict(
        type='EncoderDecoder',
        data_preprocessor=dict(
            type='SegDataPreProcessor', mean=[127.0] * 3, std=[64.0] * 3, size=(192, 256)
        ),
        backbone=_backbone(),
        decode_head=dict(
            type='FCNHead', in_channels=16, channels=8, num_convs=1, num_classes=len(CLASSES) + 1
        ),
        test_cfg=dict(mode='whole'),
    )
    pipeline = [
        dict(type='LoadImageFromFile'),
        dict(type='LoadAnnotations'),
        dict(type='PackSegInputs'),
    ]
    dataset = dict(
        type='BaseSegDataset',
        img_suffix='.jpg',
        metainfo=dict(classes=('ground', *CLASSES)),
        data_prefix=dict(img_path='images/train', seg_map_path='masks/train'),
    )
    return _write(path, 'mmseg', model, data, dataset, pipeline, dict(type='IoUMetric'), **options)


def write_pose_estimator(path: Path, data: Path, **options) -> Path:
    codec = dict(type='MSRAHeatmap', input_size=(64, 64), heatmap_size=(8, 8), sigma=1)
    model = dict(
        type='TopdownPoseEstimator',
        data_preprocessor=dict(type='PoseDataPreprocessor'),
        backbone=_backbone(),
        head=dict(
            type='HeatmapHead',
            in_channels=16,
            out_channels=MAX_CORNERS,
            deconv_out_channels=None,
            loss=dict(type='KeypointMSELoss'),
            decoder=codec,
        ),
    )
    pipeline = [
        dict(type='LoadImage'),
        dict(type='GetBBoxCenterScale'),
        dict(type='TopdownAffine', input_size=(64, 64)),
        dict(type='GenerateTarget', encoder=codec),
        dict(type='PackPoseInputs'),
    ]
    corners = {
        i: dict(name=f'corner{i + 1}', id=i, color=[255, 0, 0], type='', swap='')
        for i in range(MAX_CORNERS)
    }
    dataset = dict(
        type='BaseCocoStyleDataset',
        data_mode='topdown',
        data_prefix=dict(img='images/train'),
        ann_file='annotations/keypoints_train.json',
        metainfo=dict(
            dataset_name='shapes',
            keypoint_info=corners,
            skeleton_info={},
            joint_weights=[1.0] * MAX_CORNERS,
            sigmas=[0.05] * MAX_CORNERS,
        ),
    )
    return _write(
        path, 'mmpose', model, data, dataset, pipeline, dict(type='PCKAccuracy'), **options
    )


WRITERS = dict(
    mmpretrain=write_classifier,
    mmdet=write_detector,
    mmseg=write_segmentor,
    mmpose=write_pose_estimator,
)
"""Functions that write a config, by default_scope."""


def write_pretraining(path: Path, data: Path, kernel: int = 1, **options) -> Path:
    """Writes the config of a masked autoencoder."""
    model = dict(
        type='MAE',
        backbone=dict(
            type='vitae_mm.MaskedViTAE',
            img_size=32,
            norm_eval=True,
            pcm_kernel_size=kernel,
            arch=dict(dims=[32], depths=[2], num_heads=[2], groups=[8], ratios=[8]),
        ),
        neck=dict(
            type='MAEPretrainDecoder',
            num_patches=16,
            patch_size=8,
            embed_dim=32,
            decoder_embed_dim=16,
            decoder_depth=1,
            decoder_num_heads=2,
        ),
        head=dict(
            type='MAEPretrainHead',
            patch_size=8,
            norm_pix=True,
            loss=dict(type='PixelReconstructionLoss', criterion='L2'),
        ),
        data_preprocessor=dict(type='SelfSupDataPreprocessor', mean=[127.0] * 3, std=[64.0] * 3),
    )
    pipeline = [
        dict(type='LoadImageFromFile'),
        dict(type='Resize', scale=(32, 32)),
        dict(type='PackInputs'),
    ]
    dataset = dict(type='CustomDataset', data_prefix='images/train', with_label=False, indices=4)
    _write(path, 'mmpretrain', model, data, dataset, pipeline, {}, **options)
    cfg = Config.fromfile(path)
    for entry in ('test_dataloader', 'test_cfg', 'test_evaluator'):
        cfg.pop(entry)
    cfg.train_dataloader.collate_fn = dict(type='default_collate')
    cfg.dump(path)
    return path


def build_runner(
    config: Path, work_dir: Path, launcher: str = 'none', **entries
) -> Runner | FlexibleRunner:
    """The runner of a config, with ``entries`` that replace those of the config."""
    cfg = load_config(str(config), entries, str(work_dir))
    # runners of one name and second would share the scope of the first
    cfg.setdefault('experiment_name', work_dir.parent.name)
    prepare_devices(cfg, launcher)
    return runner.build_runner(cfg)


def losses(work_dir: Path) -> list[float]:
    """Loss of each step, averaged over the processes."""
    ranks = [json.loads(path.read_text()) for path in work_dir.glob('losses_*.json')]
    return [sum(step) / len(ranks) for step in zip(*ranks, strict=True)]


def weights(work_dir: Path, epoch: int) -> dict[str, torch.Tensor]:
    return torch.load(work_dir / f'epoch_{epoch}.pth', weights_only=False)['state_dict']


def _backbone() -> dict:
    return dict(type='vitae_mm.ViTAEv2', arch=TWO_STAGES)


def _write(
    path: Path,
    scope: str,
    model: dict,
    data: Path,
    dataset: dict,
    pipeline: list,
    metric: dict,
    batch_size: int = 2,
    epochs: int = 1,
    **options,
) -> Path:
    """Writes a config; ``options`` replace its entries."""

    def loader(steps, shuffle):
        return dict(
            batch_size=batch_size,
            num_workers=1,
            persistent_workers=False,
            worker_init_fn=dict(type='vitae_mm.seed_worker'),
            sampler=dict(type='DefaultSampler', shuffle=shuffle),
            dataset=dict(dataset, data_root=str(data), pipeline=steps),
        )

    test_pipeline = [step for step in pipeline if step['type'] != 'GenerateTarget']
    Config(
        {
            **dict(
                default_scope=scope,
                model=model,
                train_dataloader=loader(pipeline, shuffle=True),
                test_dataloader=loader(test_pipeline, shuffle=False),
                train_cfg=dict(type='EpochBasedTrainLoop', max_epochs=epochs),
                test_cfg=dict(),
                test_evaluator=metric,
                optim_wrapper=dict(
                    type='OptimWrapper', optimizer=dict(type='SGD', lr=0.01, momentum=0.9)
                ),
                param_scheduler=dict(type='CosineAnnealingLR', by_epoch=True, T_max=epochs),
                default_hooks=dict(
                    logger=dict(type='LoggerHook', interval=1),
                    checkpoint=dict(type='CheckpointHook', interval=1),
                    param_scheduler=dict(type='ParamSchedulerHook'),
                    timer=dict(type='IterTimerHook'),
                    sampler_seed=dict(type='DistSamplerSeedHook'),
                    epoch_seed=dict(type='vitae_mm.EpochSeedHook'),
                ),
                custom_imports=dict(imports=['tests.helpers.loss_recorder']),
                custom_hooks=[dict(type='LossRecorder')],
                env_cfg=dict(mp_cfg=dict(mp_start_method='fork')),
                randomness=dict(seed=0),
            ),
            **options,
        }
    ).dump(path)
    return path
