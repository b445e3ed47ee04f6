"""DistributedDataParallel needs no find_unused_parameters for any output."""

import pytest
import torch
from torch.nn.parallel import DistributedDataParallel

from vitae_mm.backbones import ViTAE

from ..helpers.archs import NARROW

PATHS = [
    (network, arch, dict(out_type=out_type))
    for name, (network, arch) in NARROW.items()
    for out_type in ('featmap', 'avg_featmap', 'cls_token')
    if out_type != 'cls_token' or name in ('vitae_patch', 'ceit')
]
PATHS.append(
    (
        ViTAE,
        NARROW['vitae'][1],
        dict(out_type='cls_token', class_token=True, position='sinusoid', final_norm='tokens'),
    )
)


def two_steps(rank, file):
    torch.set_num_threads(1)
    torch.distributed.init_process_group('gloo', f'file://{file}', rank=rank, world_size=2)
    for network, arch, options in PATHS:
        for with_cp in (False, True):
            torch.manual_seed(0)
            model = DistributedDataParallel(network(arch, with_cp=with_cp, **options))
            for _ in range(2):  # the second step fails if a parameter has no gradient
                sum(m.square().mean() for m in model(torch.randn(2, 3, 32, 48))).backward()
    torch.distributed.destroy_process_group()


@pytest.mark.slow
def test_two_processes_take_two_steps(tmp_path):
    torch.multiprocessing.spawn(two_steps, (tmp_path / 'store',), nprocs=2)
