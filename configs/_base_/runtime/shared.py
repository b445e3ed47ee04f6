# Added to the runtime of every codebase.
hooks = dict(
    # a run killed while it writes a checkpoint can be resumed
    checkpoint=dict(type='vitae_mm.WholeCheckpointHook', interval=1, max_keep_ckpts=3),
    # a resumed run ends with the weights of an uninterrupted one
    epoch_seed=dict(type='vitae_mm.EpochSeedHook'),
    # averages the processes' batch statistics, so that what is evaluated is what is saved
    sync_buffers=dict(type='SyncBuffersHook'),
    sync_averaged_buffers=dict(type='vitae_mm.SyncAveragedBuffersHook'),
    # stops the run if a checkpoint does not match the model
    checkpoint_match=dict(type='vitae_mm.CheckpointMatchHook'),
    # names unreadable images and class maps with unknown labels
    sample_check=dict(type='vitae_mm.SampleCheckHook'),
)
# TF32 on GPUs that have it; 'highest' for float32. Convs use TF32 by PyTorch's default.
float32_matmul_precision = 'high'
