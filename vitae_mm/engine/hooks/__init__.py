"""Training and testing hooks."""

from .checkpoint_match import CheckpointMatchHook
from .epoch_seed import EpochSeedHook, seed_worker
from .finite_loss import FiniteLossHook
from .fuse import FuseHook
from .resume import ResumeHook
from .sample_check import SampleCheckHook
from .sync_averaged_buffers import SyncAveragedBuffersHook
from .whole_checkpoint import WholeCheckpointHook

__all__ = [
    'CheckpointMatchHook',
    'EpochSeedHook',
    'FiniteLossHook',
    'FuseHook',
    'ResumeHook',
    'SampleCheckHook',
    'SyncAveragedBuffersHook',
    'WholeCheckpointHook',
    'seed_worker',
]
