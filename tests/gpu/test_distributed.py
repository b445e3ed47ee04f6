"""Training with several processes on GPUs equals training with one.

With one GPU, the process groups have a single process.
"""

import copy

import pytest
import torch
import torch.distributed as dist
from torch.distributed.fsdp import FullStateDictConfig, FullyShardedDataParallel, StateDictType
from torch.nn.parallel import DistributedDataParallel

from vitae_mm.engine.sharding import wrap_cells

from ..helpers.archs import NARROW
from .passes import assert_equal, build, run

narrow = pytest.mark.parametrize('network, arch', NARROW.values(), ids=NARROW)
two_gpus = pytest.mark.skipif(torch.cuda.device_count() < 2, reason='needs two CUDA devices')

SYNC_BN = dict(type='SyncBN')
STEPS = 3
PROCESSES = 2


def join(folder, rank, processes):
    """Makes this process a member of a process group over NCCL; returns its device."""
    device = torch.device('cuda', rank)
    torch.cuda.set_device(device)
    dist.init_process_group(
        'nccl', init_method=f'file://{folder}/store', rank=rank, world_size=processes
    )
    return device


@pytest.fixture
def group(tmp_path):
    """A process group of this process."""
    join(tmp_path, rank=0, processes=1)
    yield
    dist.destroy_process_group()


def train(model, images):
    """Takes steps of SGD, whose steps are proportional to the gradients."""
    optimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=1e-2)
    for _ in range(STEPS):
        optimizer.zero_grad()
        sum(m.square().mean() for m in model(images)).backward()
        optimizer.step()


def assert_same_training(ours, theirs, start):
    """Checks that two trainings changed each weight alike."""
    assert ours.keys() == theirs.keys() == start.keys()
    changed = 0
    for name, value in theirs.items():
        change = (value.cpu() - start[name].cpu()).float()
        error = (ours[name].cpu() - value.cpu()).float().norm()
        assert error <= 1e-2 * change.norm() + 1e-6 * value.float().norm().cpu(), name
        changed += bool(change.any())
    assert changed > 0.9 * len(theirs)


@narrow
def test_one_process_of_ddp_changes_nothing(network, arch, group, device):
    plain = build(network, arch).to(device)
    wrapped = DistributedDataParallel(copy.deepcopy(plain), device_ids=[0])
    start = copy.deepcopy(plain.state_dict())
    images = torch.randn(2, 3, 75, 131, device=device)
    assert_equal(run(wrapped, images), prefixed(run(plain, images)))
    for model in (plain, wrapped):
        train(model, images)
    assert_same_training(wrapped.module.state_dict(), plain.state_dict(), start)


def prefixed(done):
    """A pass with the names that DistributedDataParallel gives to parameters."""
    gradients, buffers = (
        {f'module.{name}': value for name, value in values.items()}
        for values in (done.gradients, done.buffers)
    )
    return done._replace(gradients=gradients, buffers=buffers)


@narrow
def test_sync_bn_of_one_process_is_bn(network, arch, group, device):
    plain = build(network, arch).to(device)
    synced = build(network, arch, norm_cfg=SYNC_BN).to(device)
    synced.load_state_dict(plain.state_dict())
    images = torch.randn(2, 3, 75, 131, device=device)
    assert_equal(run(synced, images), run(plain, images))


def ddp(model, device):
    return DistributedDataParallel(model, device_ids=[device.index])


def fsdp(model, device):
    return FullyShardedDataParallel(
        model, auto_wrap_policy=wrap_cells, device_id=device, use_orig_params=True
    )


def whole_state(model):
    """The state dict of a wrapped model, with the names of the plain one."""
    if isinstance(model, DistributedDataParallel):
        return model.module.state_dict()
    config = FullStateDictConfig(offload_to_cpu=True, rank0_only=True)
    with FullyShardedDataParallel.state_dict_type(model, StateDictType.FULL_STATE_DICT, config):
        return model.state_dict()


def batch():
    return torch.randn(4, 3, 64, 96, generator=torch.Generator().manual_seed(0))


def train_part(rank, wrap, starts, folder):
    """Trains each network on the images of one process, and saves the weights."""
    device = join(folder, rank, PROCESSES)
    torch.backends.cudnn.allow_tf32 = False
    images = batch().chunk(PROCESSES)[rank].to(device)
    for name, start in starts.items():
        model = build(*NARROW[name], norm_cfg=SYNC_BN)
        model.load_state_dict(start)
        model = wrap(model.to(device), device)
        train(model, images)
        state = whole_state(model)
        if rank == 0:
            torch.save({key: value.cpu() for key, value in state.items()}, folder / f'{name}.pth')
    dist.destroy_process_group()


@two_gpus
@pytest.mark.parametrize('wrap', [ddp, fsdp])
def test_two_processes_equal_one(wrap, device, tmp_path):
    models = {name: build(*pair) for name, pair in NARROW.items()}
    starts = {name: copy.deepcopy(model.state_dict()) for name, model in models.items()}
    torch.multiprocessing.spawn(train_part, (wrap, starts, tmp_path), nprocs=PROCESSES)
    for name, model in models.items():
        train(model.to(device), batch().to(device))
        state = torch.load(tmp_path / f'{name}.pth')
        assert_same_training(state, model.state_dict(), starts[name])
