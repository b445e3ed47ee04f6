_base_ = '../../../configs/cls/vitae_s_300e_in1k.py'
custom_imports = dict(imports=['vitae_mm', 'tests.reference.network'])
model = dict(backbone=dict(_delete_=True, type='plain', backbone=_base_.model.backbone))
