# A network like T2T-ViT-7 for 32x32 images: ViTAE-T without its inductive biases. For
# classifiers only. mmpretrain's T2T-ViT-7 has fixed strides, too large for 32x32.
_base_ = './vitae_t_32.py'
classifier = dict(
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
