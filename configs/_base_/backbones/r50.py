# ResNet-50. `pretrained`: what goes with ImageNet weights, for dense tasks.
backbone = dict(type='mmdet.ResNet', depth=50, out_indices=(0, 1, 2, 3))
channels = [256, 512, 1024, 2048]
pretrained = dict(
    frozen_stages=1,
    norm_eval=True,
    init_cfg=dict(type='Pretrained', checkpoint='torchvision://resnet50'))
