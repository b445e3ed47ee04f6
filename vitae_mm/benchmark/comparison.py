"""Tables: networks that are measured side by side in one setting."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter

import torch

from .cases import Setting, build_case, matmul_case
from .measure import Failures, Measurement, bounded_memory, free_memory, measure, spread, time_ratio
from .networks import Source, load_network
from .parallel import measure_parallel


@dataclass(frozen=True)
class Comparison:
    """A table.

    Attributes:
        title: What is compared; may be empty.
        setting: What all rows have in common.
        cases: Network and form of each row.
    """

    title: str
    setting: Setting
    cases: Sequence[tuple[Source, str]]


def compare(
    comparison: Comparison, device: torch.device, *, rounds: int, warm_up: int, processes: int = 1
) -> dict:
    """Measures the rows of a table.

    Args:
        comparison: The table.
        device: The current device.
        rounds: Number of timed steps of each row, 2 or more.
        warm_up: Number of untimed steps before them.
        processes: Number of processes that train each network with DDP. Defaults to 1, without DDP.

    Returns:
        The table for a JSON file. Rows are in ``networks``; those that failed have an ``error``.
    """
    # otherwise a second size would be compiled with dynamic shapes
    torch.compiler.reset()
    free_memory()
    start, setting, failures = perf_counter(), comparison.setting, Failures()
    rows = {f'{source.name} {form}': (source, form) for source, form in comparison.cases}
    measured: dict[str, Measurement] = {}
    if processes > 1:
        for name, (source, form) in rows.items():
            with failures.catch(name):
                measured[name] = measure_parallel(
                    source,
                    form,
                    setting,
                    device=device,
                    processes=processes,
                    rounds=rounds,
                    warm_up=warm_up,
                )
    else:
        with bounded_memory(device):
            images, cases = setting.draw_images(device), []
            for name, (source, form) in rows.items():
                with failures.catch(name):
                    network = load_network(source)
                    cases.append(build_case(network, images, form=form, setting=setting))
            matmul = matmul_case(device, setting.dtype)
            measured = measure(
                cases, matmul, failures, device=device, rounds=rounds, warm_up=warm_up
            )
    networks = {}
    for name, (source, form) in rows.items():
        networks[name] = dict(
            network=source.spec, changes=source.changes, pyramid=source.pyramid, form=form
        )
        if name in failures:
            networks[name]['error'] = failures[name]
        else:
            networks[name] |= _numbers(measured[name], measured, setting.batch * processes)
    return dict(
        title=comparison.title,
        mode=setting.mode,
        size='x'.join(map(str, setting.size)),
        batch=setting.batch,
        dtype=setting.dtype,
        processes=processes,
        elapsed=perf_counter() - start,
        networks=networks,
    )


def _numbers(one: Measurement, measured: Mapping[str, Measurement], images: int) -> dict:
    median = statistics.median(one.seconds)
    return dict(
        median=median,
        spread=spread(one.seconds),
        images_per_second=images / median,
        macs=one.macs,
        roofline=one.roofline,
        efficiency=one.efficiency,
        held_bytes=one.held_bytes,
        peak_bytes=one.peak_bytes,
        ratios={name: time_ratio(one.seconds, other.seconds) for name, other in measured.items()},
    )
