# What every codebase's runtime adds to its default hooks.
hooks = dict(
    # a run that is killed can be resumed, also if it was writing a checkpoint
    checkpoint=dict(type='vitae_mm.WholeCheckpointHook', interval=1, max_keep_ckpts=3),
    # a killed run that is resumed ends as one that never was killed
    epoch_seed=dict(type='vitae_mm.EpochSeedHook'),
    # each process has batch statistics of its own: evaluate what is saved
    sync_buffers=dict(type='SyncBuffersHook'),
    sync_averaged_buffers=dict(type='vitae_mm.SyncAveragedBuffersHook'),
    # a checkpoint that does not fit stops the run
    checkpoint_match=dict(type='vitae_mm.CheckpointMatchHook'),
    # an image that cannot be read, or a class map with unknown labels, is named
    sample_check=dict(type='vitae_mm.SampleCheckHook'),
)
