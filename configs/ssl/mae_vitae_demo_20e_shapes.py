# Masked pretraining of a narrow ViTAE on the demo shapes, without labels. Minutes
# on two CPU cores:
# bash tools/dist_train.sh configs/ssl/mae_vitae_demo_20e_shapes.py 2
_base_ = [
    '../_base_/models/ssl/mae_vitae_demo.py',  # another network: change this line
    '../_base_/datasets/shapes_images.py',
    '../_base_/schedules/mae_small.py',
    '../_base_/runtime/cls.py',
]
