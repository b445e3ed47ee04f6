# T2T-ViT-7 for images of 32x32, with 4x4 tokens: ViTAE-T without its inductive
# biases, which has the shape of T2T-ViT-7; mmpretrain's has fixed strides.
_base_ = './vitae_t_32.py'
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
