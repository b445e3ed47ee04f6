# Flowers-102 at 224, batch 512 on 8 GPUs, augmented like ImageNet. Trained on train and val.
_base_ = './in1k_224.py'
data_preprocessor = dict(num_classes=102)
data = dict(type='Flowers102', data_root='data/flowers102')
train_dataloader = dict(dataset=dict(**data, split='trainval'))
val_dataloader = dict(dataset=dict(**data, split='test'))
test_dataloader = val_dataloader
