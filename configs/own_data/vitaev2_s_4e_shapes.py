# ViTAEv2-S that classifies the demo shapes, as a start for the other tasks.
# python tools/train.py configs/own_data/vitaev2_s_4e_shapes.py --amp
_base_ = [
    '../_base_/backbones/vitaev2_s.py',  # another backbone: change this line
    '../_base_/models/classifier.py',
    '../_base_/datasets/shapes_classes.py',
    '../_base_/schedules/cls_small.py',
    '../_base_/runtime/cls.py',
]
model = _base_.classifier
model.head.num_classes = 4
model.train_cfg = None  # no mixup or CutMix: a short training
auto_scale_lr = dict(base_batch_size=16)
train_cfg = dict(max_epochs=4)
