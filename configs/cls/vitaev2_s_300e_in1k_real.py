# ViTAEv2-S, also tested on the reassessed labels (ReaL) of ImageNet-1k.
# Expected scores: those of vitaev2_s_300e_in1k.py.
# bash tools/dist_test.sh configs/cls/vitaev2_s_300e_in1k_real.py CHECKPOINT 8
_base_ = [
    '../_base_/backbones/vitaev2_s.py',  # another backbone: change this line
    '../_base_/models/classifier.py',
    '../_base_/datasets/in1k_224.py',
    '../_base_/schedules/cls_300e_b1024.py',
    '../_base_/runtime/cls.py',
]
model = _base_.classifier
train_dataloader = dict(batch_size=128)
val_evaluator = [
    dict(type='Accuracy', topk=(1, 5)),
    dict(type='vitae_mm.ReassessedLabels', ann_file='data/imagenet/real.json'),
]
test_evaluator = val_evaluator
