"""Training hooks."""
from .checkpoint_match import CheckpointMatchHook
from .epoch_seed import EpochSeedHook, seed_worker
from .sync_averaged_buffers import SyncAveragedBuffersHook

__all__ = ['CheckpointMatchHook', 'EpochSeedHook', 'SyncAveragedBuffersHook', 'seed_worker']
