# The same with a narrower network, that two CPU cores pretrain in minutes.
_base_ = './mae_vitae_32.py'
model = dict(
    backbone=dict(arch=dict(dims=(96,), depths=(4,), groups=(24,))),
    neck=dict(embed_dim=96, decoder_embed_dim=64, decoder_depth=1),
)
