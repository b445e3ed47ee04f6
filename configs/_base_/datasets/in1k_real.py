# ImageNet-1k at 224, validated on the original and on the reassessed labels.
_base_ = './in1k_224.py'
val_evaluator = [
    dict(type='Accuracy', topk=(1, 5)),
    dict(type='vitae_mm.ReassessedLabels', ann_file='data/imagenet/real.json'),
]
test_evaluator = val_evaluator
