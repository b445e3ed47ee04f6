# ViTAE-T from scratch on CIFAR-100, 1000 epochs with ImageNet's recipe and image size, batch 512.
# Paper (ViTAE, Table 4): top-1 85.0.
# bash tools/dist_train.sh configs/cls/vitae_t_1000e_cifar100.py 8
_base_ = [
    '../_base_/backbones/vitae_t.py',  # another backbone: change this line
    '../_base_/models/classifier.py',
    '../_base_/datasets/cifar100.py',
    '../_base_/schedules/cls_300e.py',
    '../_base_/runtime/cls.py',
]
model = _base_.classifier
model.head.num_classes = _base_.data_preprocessor.num_classes
train_cfg = dict(max_epochs=1000)
optim_wrapper = dict(optimizer=dict(weight_decay=0.03))
