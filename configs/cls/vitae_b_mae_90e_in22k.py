# ViTAE-B, 90 epochs on ImageNet-22k with labels, between masked pretraining and
# ImageNet-1k, batch 1024. The paper (ViTAEv2) reports no score for this step.
# bash tools/dist_train.sh configs/cls/vitae_b_mae_90e_in22k.py 8 --amp
_base_ = [
    '../_base_/backbones/vitae_b.py',  # another backbone: change this line
    '../_base_/models/classifier.py',
    '../_base_/datasets/in22k_224.py',
    '../_base_/schedules/cls_mae_finetune.py',
    '../_base_/runtime/cls.py',
]
model = _base_.classifier
model.backbone.update(
    drop_path_rate=0.1,
    drop_rate=0.0,
    init_cfg=dict(type='Pretrained', checkpoint='work_dirs/mae_vitae_b_1600e_in1k/epoch_1600.pth'),
)
model.head.update(num_classes=_base_.data_preprocessor.num_classes, init_cfg=dict(std=2e-5))
train_cfg = dict(max_epochs=90)
