# ResNet-50: feature maps of strides 4, 8, 16 and 32.
# mmdet's ResNet keeps batch norms in eval mode by default, which suits only pretrained
# weights. Classifiers use mmpretrain's.
backbone = dict(type='mmdet.ResNet', depth=50, norm_eval=False, out_indices=(0, 1, 2, 3))
channels = [256, 512, 1024, 2048]
pretrained = dict(
    frozen_stages=1,
    norm_eval=True,
    init_cfg=dict(type='Pretrained', checkpoint='torchvision://resnet50'),
)
classifier = dict(
    backbone=dict(type='ResNet', depth=50, out_indices=(3,), drop_path_rate=0.1),
    neck=dict(type='GlobalAveragePooling'),
    head=dict(in_channels=channels[-1]),
)
segmentation = dict(
    frozen_stages=-1, norm_eval=False, norm_cfg=dict(type='SyncBN', requires_grad=True)
)
pose = dict(frozen_stages=-1, norm_eval=False, out_indices=(3,))
