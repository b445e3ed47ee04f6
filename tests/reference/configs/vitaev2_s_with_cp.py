_base_ = '../../../configs/cls/vitaev2_s_300e_in1k.py'
model = dict(backbone=dict(with_cp=True))
