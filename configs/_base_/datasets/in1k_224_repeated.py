# ImageNet-1k at 224 with repeated augmentation: an epoch has three augmented
# copies of a third of the images. Batch 1024 on 8 GPUs.
_base_ = './in1k_224.py'
train_dataloader = dict(batch_size=128, sampler=dict(type='RepeatAugSampler', num_repeats=3))
