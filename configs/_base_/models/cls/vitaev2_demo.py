# The narrow ViTAEv2 of the demo shapes.
_base_ = ['./classifier.py', '../../backbones/vitaev2_demo.py']
model = dict(
    backbone={**_base_.backbone, 'out_type': 'avg_featmap', 'out_indices': (3,)},
    head=dict(in_channels=_base_.channels[-1]),
)
