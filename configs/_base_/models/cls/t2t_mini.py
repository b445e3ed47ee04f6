# The narrow ViTAE-T without its inductive biases.
_base_ = './vitae_mini.py'
model = dict(
    backbone=dict(
        dilations=[[1], [1], [1]],
        reduction_pcm=False,
        pcm_kernel_size=0,
        class_token=True,
        position='sinusoid',
        final_norm='tokens',
        out_type='cls_token',
        img_size=32,
    )
)
