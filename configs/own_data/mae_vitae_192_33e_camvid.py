# Masked pretraining of a narrow ViTAE on the training images of the street scenes, without labels:
# about 12,000 images seen.
# python tools/train.py configs/own_data/mae_vitae_192_33e_camvid.py --amp
_base_ = [
    '../_base_/models/mae_vitae_192.py',
    '../_base_/datasets/images_128.py',
    '../_base_/schedules/mae_small.py',
    '../_base_/runtime/cls.py',
]
auto_scale_lr = dict(base_batch_size=20)
train_dataloader = dict(dataset=dict(data_root='data/camvid/', data_prefix='images/train'))
train_cfg = dict(max_epochs=33)
