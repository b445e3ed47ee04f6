# ViTAE-S, 100 epochs on Oxford-IIIT Pets from its ImageNet-1k weights, batch 512.
# Paper (ViTAE, Table 5): top-1 94.2.
# bash tools/dist_train.sh configs/cls/vitae_s_100e_pets.py 8
_base_ = [
    '../_base_/backbones/vitae_s.py',  # another backbone: change this line
    '../_base_/models/classifier.py',
    '../_base_/datasets/pets.py',
    '../_base_/schedules/cls_100e_transfer.py',
    '../_base_/runtime/cls.py',
]
model = _base_.classifier
model.backbone.update(_base_.pretrained)
model.head.num_classes = _base_.data_preprocessor.num_classes
