# COCO persons, the same with unbiased data processing (UDP).
_base_ = './coco_pose.py'
codec = dict(type='UDPHeatmap', input_size=(192, 256), heatmap_size=(48, 64), sigma=2)
train_pipeline = _base_.train_pipeline
test_pipeline = _base_.test_pipeline
train_pipeline[5].update(use_udp=True)
train_pipeline[6].update(encoder=codec)
test_pipeline[2].update(use_udp=True)
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader
