"""Training hooks."""
from .checkpoint_match import CheckpointMatchHook
from .epoch_seed import EpochSeedHook, seed_worker

__all__ = ['CheckpointMatchHook', 'EpochSeedHook', 'seed_worker']
