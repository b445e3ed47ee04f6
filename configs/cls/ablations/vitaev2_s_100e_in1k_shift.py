# ViTAEv2-S, 100 epochs on ImageNet-1k: every second window attention shifted.
# bash tools/dist_train.sh configs/cls/ablations/vitaev2_s_100e_in1k_shift.py 8
_base_ = './vitaev2_s_100e_in1k.py'
model = dict(backbone=dict(shift_window=True))
