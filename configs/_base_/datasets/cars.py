# Stanford Cars at 224, batch 512 on 8 GPUs, augmented like ImageNet.
_base_ = './in1k_224.py'
data_preprocessor = dict(num_classes=196)
data = dict(type='StanfordCars', data_root='data/cars')
train_dataloader = dict(dataset=dict(**data, split='train'))
val_dataloader = dict(dataset=dict(**data, split='test'))
test_dataloader = val_dataloader
