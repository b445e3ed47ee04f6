# The same for a batch of 1024 on 8 GPUs.
_base_ = './in1k_224.py'
train_dataloader = dict(batch_size=128)
