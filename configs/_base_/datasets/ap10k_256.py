# AP-10K: animals cropped by their boxes, 256x256; batch 64 on each of 8 GPUs.
# Download https://github.com/AlexTheBad/AP-10K to data/ap10k.
# names that MMPoseInferencer reads
dataset_type, data_mode = 'AP10KDataset', 'topdown'
codec = dict(type='MSRAHeatmap', input_size=(256, 256), heatmap_size=(64, 64), sigma=2)
train_pipeline = [
    dict(type='LoadImage'),
    dict(type='GetBBoxCenterScale'),
    dict(type='RandomFlip', direction='horizontal'),
    dict(type='RandomHalfBody'),
    dict(type='RandomBBoxTransform'),
    dict(type='TopdownAffine', input_size=codec['input_size']),
    dict(type='GenerateTarget', encoder=codec),
    dict(type='PackPoseInputs'),
]
test_pipeline = [
    dict(type='LoadImage'),
    dict(type='GetBBoxCenterScale'),
    dict(type='TopdownAffine', input_size=codec['input_size']),
    dict(type='PackPoseInputs'),
]
data = dict(
    type=dataset_type, data_root='data/ap10k/', data_mode=data_mode, data_prefix=dict(img='data/')
)
# workers restart each epoch, so that a resumed run sees the same data
workers = dict(
    num_workers=4, persistent_workers=False, worker_init_fn=dict(type='vitae_mm.seed_worker')
)
train_dataloader = dict(
    **workers,
    batch_size=64,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(**data, ann_file='annotations/ap10k-train-split1.json', pipeline=train_pipeline),
)
val_dataloader = dict(
    **workers,
    batch_size=32,
    sampler=dict(type='DefaultSampler', shuffle=False, round_up=False),
    dataset=dict(
        **data, ann_file='annotations/ap10k-val-split1.json', test_mode=True, pipeline=test_pipeline
    ),
)
test_dataloader = dict(
    **{
        **val_dataloader,
        'dataset': {**val_dataloader['dataset'], 'ann_file': 'annotations/ap10k-test-split1.json'},
    }
)
val_evaluator = dict(type='CocoMetric', ann_file='data/ap10k/annotations/ap10k-val-split1.json')
test_evaluator = dict(type='CocoMetric', ann_file='data/ap10k/annotations/ap10k-test-split1.json')
