# What every codebase's runtime adds to its default hooks.
hooks = dict(
    checkpoint=dict(max_keep_ckpts=3),
    # a killed run that is resumed ends as one that never was killed
    epoch_seed=dict(type='vitae_mm.EpochSeedHook'),
    # each process has batch statistics of its own: evaluate what is saved
    sync_buffers=dict(type='SyncBuffersHook'),
    sync_averaged_buffers=dict(type='vitae_mm.SyncAveragedBuffersHook'),
    # a checkpoint that does not fit stops the run
    checkpoint_match=dict(type='vitae_mm.CheckpointMatchHook'))
