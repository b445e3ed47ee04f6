# A narrower ViTAE of patches for images of 32x32; goes with mae_vitae_mini.
_base_ = './vitae_patch_32.py'
model = dict(
    backbone=dict(arch=dict(dims=(96,), depths=(4,), groups=(24,))), head=dict(in_channels=96)
)
