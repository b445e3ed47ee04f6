# ViTAEv2-48M, 300 epochs on ImageNet-1k, batch 1024.
# Paper (ViTAEv2): top-1 83.8, ReaL 88.4.
# bash tools/dist_train.sh configs/cls/vitaev2_48m_300e_in1k.py 8
_base_ = [
    '../_base_/backbones/vitaev2_48m.py',  # another backbone: change this line
    '../_base_/models/classifier.py',
    '../_base_/datasets/in1k_224.py',
    '../_base_/schedules/cls_300e_b1024.py',
    '../_base_/runtime/cls.py',
]
model = _base_.classifier
train_dataloader = dict(batch_size=128)
optim_wrapper = dict(optimizer=dict(weight_decay=0.055))
