# UperNet for CPUs and small data from scratch: narrow heads with group norm, as
# batches are small. The config gives the backbone and its channels, the classes and
# the size of crops.
_base_ = './upernet.py'
norm_cfg = dict(type='GN', num_groups=32)
model = dict(
    decode_head=dict(channels=128, norm_cfg=dict(_delete_=True, **norm_cfg)),
    auxiliary_head=dict(channels=64, norm_cfg=dict(_delete_=True, **norm_cfg)),
)
