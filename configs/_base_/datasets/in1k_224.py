# ImageNet-1k at 224, batch 512 on 8 GPUs. Training images are augmented as
# in mmpretrain's base: random crop (bicubic), flip, RandAugment m9-mstd0.5-inc1,
# erasing .25 per pixel. The recipe's color jitter .4 is left out, because timm
# applies it only without RandAugment. Test images are cropped to .9.
_base_ = 'mmpretrain::_base_/datasets/imagenet_bs64_swin_224.py'

test_pipeline = [
    dict(type='LoadImageFromFile'),
    # 224 / .9
    dict(type='ResizeEdge', scale=248, edge='short', backend='pillow', interpolation='bicubic'),
    dict(type='CenterCrop', crop_size=224),
    dict(type='PackInputs'),
]
# workers restart each epoch, so that a resumed run sees the same data
workers = dict(
    num_workers=8, persistent_workers=False, worker_init_fn=dict(type='vitae_mm.seed_worker')
)
train_dataloader = dict(**workers)
val_dataloader = dict(**workers, dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader
