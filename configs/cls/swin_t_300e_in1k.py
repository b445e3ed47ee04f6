# Swin-T, 300 epochs on ImageNet-1k, batch 1024.
# Paper (ViTAE, Table 2): top-1 81.3.
# bash tools/dist_train.sh configs/cls/swin_t_300e_in1k.py 8
_base_ = [
    '../_base_/backbones/swin_t.py',  # another backbone: change this line
    '../_base_/models/classifier.py',
    '../_base_/datasets/in1k_224.py',
    '../_base_/schedules/cls_300e_b1024.py',
    '../_base_/runtime/cls.py',
]
model = _base_.classifier
train_dataloader = dict(batch_size=128)
