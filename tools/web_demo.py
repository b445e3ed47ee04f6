#!/usr/bin/env python
"""Shows predictions, class activation and attention in a browser, for one model or for two side
by side.

    python tools/web_demo.py CONFIG CHECKPOINT [--compare CONFIG CHECKPOINT ...]

The page is served to this machine only, unless --host names another address; then everybody who
reaches the address can use it. It never connects to the internet.
"""

import argparse

from vitae_mm.engine.cli import (
    add_models_arguments,
    check_device,
    name_models,
    reports_input_errors,
    tool_parser,
)
from vitae_mm.engine.config import load_config
from vitae_mm.engine.packages import require_package


def parse_args() -> argparse.Namespace:
    parser = tool_parser(__doc__)
    add_models_arguments(parser)
    parser.add_argument(
        '--host', default='127.0.0.1', help='address to listen at, such as 0.0.0.0 for all'
    )
    parser.add_argument('--port', type=int, help='default: the first free one from 7860')
    return parser.parse_args()


@reports_input_errors
def main() -> None:
    args = parse_args()
    for package in ('gradio', 'pytorch_grad_cam'):
        require_package(
            package, 'the page needs more packages', 'pip install -r requirements/web.txt'
        )
    from vitae_mm.web.network import Network
    from vitae_mm.web.page import serve

    check_device(args.device)
    networks = {
        label: Network(
            load_config(config, args.cfg_options), checkpoint, device=args.device, trust=args.trust
        )
        for label, (config, checkpoint) in name_models(args).items()
    }
    serve(networks, host=args.host, port=args.port)


if __name__ == '__main__':
    main()
