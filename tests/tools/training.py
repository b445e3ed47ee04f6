"""A small classifier on the demo shapes, for tests of the launchers."""
from pathlib import Path

import torch
from mmengine.config import Config

from vitae_mm.datasets.shapes_writer import write_shapes

ARCH = dict(branch_dims=(8, 8), dims=(8, 16), depths=(1, 1), num_heads=(1, 2),
            reduction_heads=(1, 1), groups=(1, 4), reduction_groups=(1, 4))
SIZES = dict(train=5, val=2)


def make_data(folder: Path) -> Path:
    write_shapes(folder / 'shapes', SIZES)
    return folder / 'shapes'


def write_config(path: Path, data: Path, batch_size: int = 1, epochs: int = 1,
                 augment: bool = False, **options) -> Path:
    """An mmpretrain config of 16 images, with every source of randomness if
    ``augment``."""
    pipeline = [dict(type='LoadImageFromFile'), dict(type='Resize', scale=(32, 32))]
    if augment:
        pipeline.append(dict(type='RandomFlip', prob=.5))
    pipeline.append(dict(type='PackInputs'))
    loader = dict(
        batch_size=batch_size, num_workers=1, persistent_workers=False,
        worker_init_fn=dict(type='vitae_mm.seed_worker'),
        dataset=dict(type='CustomDataset', data_root=str(data), data_prefix='classes/train',
                     indices=16, pipeline=pipeline))
    Config(dict(
        default_scope='mmpretrain',
        model=dict(
            type='ImageClassifier',
            backbone=dict(type='vitae_mm.ViTAEv2', arch=ARCH, norm_eval=not augment,
                          drop_path_rate=.2 if augment else 0.),
            neck=dict(type='GlobalAveragePooling'),
            head=dict(type='LinearClsHead', num_classes=4, in_channels=16),
            data_preprocessor=dict(mean=[127.] * 3, std=[64.] * 3)),
        train_dataloader=dict(**loader, sampler=dict(type='DefaultSampler', shuffle=True)),
        train_cfg=dict(type='EpochBasedTrainLoop', max_epochs=epochs),
        optim_wrapper=dict(type='OptimWrapper', optimizer=dict(type='AdamW', lr=1e-3)),
        param_scheduler=dict(type='CosineAnnealingLR', by_epoch=True, T_max=epochs),
        default_hooks=dict(
            logger=dict(type='LoggerHook', interval=1),
            checkpoint=dict(type='CheckpointHook', interval=1),
            param_scheduler=dict(type='ParamSchedulerHook'),
            timer=dict(type='IterTimerHook'),
            sampler_seed=dict(type='DistSamplerSeedHook'),
            epoch_seed=dict(type='vitae_mm.EpochSeedHook'),
            checkpoint_match=dict(type='vitae_mm.CheckpointMatchHook')),
        log_processor=dict(window_size=1),
        env_cfg=dict(mp_cfg=dict(mp_start_method='fork')),
        randomness=dict(seed=0), **options)).dump(path)
    return path


def losses(work_dir: Path) -> list[float]:
    """Loss of each step, from the run's scalars."""
    import json
    file, = work_dir.glob('*/vis_data/scalars.json')
    return [entry['loss'] for entry in map(json.loads, file.read_text().splitlines())
            if 'loss' in entry]


def weights(work_dir: Path, epoch: int) -> dict[str, torch.Tensor]:
    return torch.load(work_dir / f'epoch_{epoch}.pth', weights_only=False)['state_dict']
