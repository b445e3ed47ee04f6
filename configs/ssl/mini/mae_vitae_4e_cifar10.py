# Masked pretraining of a narrow ViTAE on a fifth of CIFAR-10: 40,000 images seen.
# python tools/train.py configs/ssl/mini/mae_vitae_4e_cifar10.py
_base_ = [
    '../../_base_/models/ssl/mae_vitae_mini.py',  # another network: change this line
    '../../_base_/datasets/cifar10_images.py',
    '../../_base_/schedules/mae_small.py',
    '../../_base_/runtime/cls.py',
]
train_cfg = dict(max_epochs=4)
