# ImageNet-1k without labels at 224, batch 4096 on 8 GPUs: random crops of a fifth
# of the image or more, and flips.
_base_ = 'mmpretrain::_base_/datasets/imagenet_bs512_mae.py'
# workers restart each epoch, so that a resumed run sees the same data
train_dataloader = dict(persistent_workers=False, worker_init_fn=dict(type='vitae_mm.seed_worker'))
