# ViTAE-H, 50 epochs on ImageNet-1k from its masked pretraining, batch 1024.
# Paper (ViTAEv2): top-1 86.9, ReaL 91.2.
# bash tools/dist_train.sh configs/cls/vitae_h_mae_50e_in1k.py 8 --amp
_base_ = [
    '../_base_/backbones/vitae_h.py',  # another backbone: change this line
    '../_base_/models/classifier.py',
    '../_base_/datasets/in1k_224.py',
    '../_base_/schedules/cls_mae_finetune.py',
    '../_base_/runtime/cls.py',
]
model = _base_.classifier
model.backbone.update(
    drop_path_rate=0.3,
    drop_rate=0.0,
    init_cfg=dict(type='Pretrained', checkpoint='work_dirs/mae_vitae_h_1600e_in1k/epoch_1600.pth'),
)
model.head.init_cfg = dict(std=2e-5)
train_dataloader = dict(batch_size=128)
optim_wrapper = dict(optimizer=dict(lr=4e-3), paramwise_cfg=dict(layer_decay_rate=0.75))
train_cfg = dict(max_epochs=50)
