# ViTAE-B, 100 epochs on ImageNet-1k from its masked pretraining, batch 1024.
# Paper (ViTAEv2): top-1 83.8, ReaL 89.4.
# bash tools/dist_train.sh configs/cls/vitae_b_mae_100e_in1k.py 8 --amp
_base_ = [
    '../_base_/backbones/vitae_b.py',  # another backbone: change this line
    '../_base_/models/classifier.py',
    '../_base_/datasets/in1k_224.py',
    '../_base_/schedules/cls_mae_finetune.py',
    '../_base_/runtime/cls.py',
]
model = _base_.classifier
model.backbone.update(
    drop_path_rate=0.1,
    drop_rate=0.0,
    init_cfg=dict(type='Pretrained', checkpoint='work_dirs/mae_vitae_b_1600e_in1k/epoch_1600.pth'),
)
model.head.init_cfg = dict(std=2e-5)
train_dataloader = dict(batch_size=128)
train_cfg = dict(max_epochs=100)
