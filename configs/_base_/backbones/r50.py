# ResNet-50. `pretrained`: what goes with ImageNet weights, for dense tasks;
# `segmentation`, `pose`: what goes with those tasks.
# mmdet's ResNet keeps batch norms in eval mode unless told otherwise, which is
# for pretrained weights alone.
backbone = dict(type='mmdet.ResNet', depth=50, norm_eval=False, out_indices=(0, 1, 2, 3))
channels = [256, 512, 1024, 2048]
pretrained = dict(
    frozen_stages=1,
    norm_eval=True,
    init_cfg=dict(type='Pretrained', checkpoint='torchvision://resnet50'),
)
segmentation = dict(
    frozen_stages=-1, norm_eval=False, norm_cfg=dict(type='SyncBN', requires_grad=True)
)
pose = dict(frozen_stages=-1, norm_eval=False, out_indices=(3,))
