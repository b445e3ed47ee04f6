#!/usr/bin/env python
"""Converts a checkpoint of a published network for use with vitae_mm.

    python tools/convert_checkpoint.py SRC DST

Finds out by itself which network the file holds, also inside the wrappers of
training programs (state_dict, model, state_dict_ema, module. prefixes).
"""
import argparse
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from vitae_mm import __version__
from vitae_mm.backbones import ViTAEv2
from vitae_mm.backbones.vitaev2 import ARCHS
from vitae_mm.checkpoints import (check_match, convert_state_dict, identify_family,
                                  read_checkpoint, unwrap_state_dict, write_checkpoint)
from vitae_mm.engine.cli import reports_input_errors
from vitae_mm.errors import InputError

FAMILIES = {'vitaev2': (ViTAEv2, ARCHS)}
BACKBONE = 'backbone.'


@reports_input_errors
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('src', type=Path, help='published checkpoint')
    parser.add_argument('dst', type=Path, help='file to write')
    parser.add_argument('--overwrite', action='store_true', help='replace DST if it exists')
    parser.add_argument('--no-ema', action='store_true',
                        help='take the raw weights where the file also holds averaged ones')
    parser.add_argument('--trust', action='store_true',
                        help='unpickle anything in SRC; code hidden in it would run')
    args = parser.parse_args()
    if args.dst.exists() and not args.overwrite:
        raise InputError(f'{args.dst} exists: choose another name or give --overwrite.')

    found = unwrap_state_dict(read_checkpoint(args.src, trust=args.trust), ema=not args.no_ema)
    family = identify_family(found.state_dict)
    state = convert_state_dict(found.state_dict, family)
    arch = find_arch(state, family)
    meta = dict(family=family, arch=arch, source=args.src.name, vitae_mm_version=__version__)
    write_checkpoint(dict(meta=meta, state_dict=state), args.dst)

    classifier = state.get('head.fc.weight')
    head = f'classifier of {len(classifier)} classes' if classifier is not None else 'no classifier'
    print(f'{args.src}: {family}, arch {arch!r}, {head}; wrappers taken off: '
          f'{", ".join(found.wrappers) or "none"}; {len(state)} entries, '
          f'{len(found.state_dict) - len(state)} derived ones left out; written to {args.dst}')


def find_arch(state: Mapping[str, Tensor], family: str) -> str:
    """The arch whose backbone has just these keys and shapes.

    Raises:
        InputError: If none has, saying how the nearest differs.
    """
    own = {key[len(BACKBONE):]: value for key, value in state.items() if key.startswith(BACKBONE)}
    network, archs = FAMILIES[family]
    models = {}
    for arch in archs:
        with torch.device('meta'):
            models[arch] = network(arch)
        wanted = {key: value.shape for key, value in models[arch].state_dict().items()}
        if wanted == {key: value.shape for key, value in own.items()}:
            return arch
    nearest = min(models, key=lambda arch: abs(len(models[arch].state_dict()) - len(own)))
    check_match(models[nearest], own, f'the {family} checkpoint (nearest arch: {nearest!r})')
    surplus = sorted(own.keys() - models[nearest].state_dict().keys())
    raise InputError(f'the {family} checkpoint has {len(surplus)} entries more than its nearest '
                     f'arch {nearest!r}: {surplus[:3]}.')


if __name__ == '__main__':
    main()
