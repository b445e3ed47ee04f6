"""The table of docs/heads.md, which lists the families of the zoos.

python -m tests.helpers.heads_table              # runs the families that are not in it
python -m tests.helpers.heads_table mmdet/atss   # and these again
python -m tests.helpers.heads_table --all        # runs all: half an hour on one core
"""

import argparse
import re
import sys
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path

from mmengine.logging import MMLogger

from vitae_mm.analysis.tables import filled
from vitae_mm.errors import describe_error
from vitae_mm.io import write_text

from .heads import BACKBONES, CODEBASES, PASSED, families, outcome

PAGE = Path(__file__).parents[2] / 'docs' / 'heads.md'
ROW = re.compile(r'^\| (\w+/\S+) \| `(.+)` \| (.+) \| (.+) \|$', re.MULTILINE)

NOT_RUN = 'not run'

Rows = dict[str, tuple[str, ...]]
"""The config of each family, and what each backbone gave."""


def read_rows() -> Rows:
    return {name: tuple(cells) for name, *cells in ROW.findall(PAGE.read_text())}


def versions() -> str:
    """The sentence about the packages that the table was made with."""
    named = [
        f'{name} {import_module(name).__version__}'
        for name in ('torch', 'mmcv', 'mmengine', *CODEBASES)
    ]
    return f'Run on a CPU with {", ".join(named)}.'


def tables(rows: Mapping[str, tuple[str, ...]]) -> str:
    missing = (NOT_RUN,) * len(BACKBONES)
    rows = {family.name: rows.get(family.name, (family.path, *missing)) for family in families()}
    parts = [f'{versions()}\n']
    for codebase in CODEBASES:
        own = {name: row for name, row in rows.items() if name.startswith(f'{codebase}/')}
        passed = [
            f'{sum(row[i] == PASSED for row in own.values())} with {backbone}'
            for i, backbone in enumerate(BACKBONES, start=1)
        ]
        lines = [['family', 'config', *BACKBONES], ['---'] * (2 + len(BACKBONES))]
        lines += [[name, f'`{config}`', *found] for name, (config, *found) in own.items()]
        parts.append(
            f'\n### {codebase}\n\nOf {len(own)} families, {" and ".join(passed)} passed.\n'
        )
        parts.append('\n' + ''.join(f'| {" | ".join(line)} |\n' for line in lines))
    return ''.join(parts)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('names', nargs='*', help='families to run again, such as mmdet/atss')
    parser.add_argument('--all', action='store_true', help='run all families again')
    args = parser.parse_args()
    rows = {name: row for name, row in read_rows().items() if NOT_RUN not in row}
    MMLogger.get_current_instance().setLevel('ERROR')  # not how each weight was initialized
    failed = []
    for family in families():
        if family.name in rows and family.name not in args.names and not args.all:
            continue
        try:
            found = [outcome(family, backbone) for backbone in BACKBONES]
        except Exception as error:
            failed.append(f'{family.name} ({describe_error(error)})')
            continue
        print(family.name, *found, sep='; ', flush=True)
        rows[family.name] = (family.path, *found)
        # after each family, so that an interrupted run is not lost
        write_text(PAGE, filled(PAGE, dict(families=tables(rows))))
    if failed:
        sys.exit('\n'.join(['failed for no known reason:', *failed]))


if __name__ == '__main__':
    main()
