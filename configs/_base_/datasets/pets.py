# Oxford-IIIT Pets at 224, batch 512 on 8 GPUs, augmented like ImageNet. Trained on train and val.
_base_ = './in1k_224.py'
data_preprocessor = dict(num_classes=37)
data = dict(type='OxfordIIITPet', data_root='data/pets')
train_dataloader = dict(dataset=dict(**data, split='trainval'))
val_dataloader = dict(dataset=dict(**data, split='test'))
test_dataloader = val_dataloader
