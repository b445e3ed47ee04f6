"""Time and memory of networks, measured in turns."""

from .cases import DTYPES, FORMS, MODES, Case, build_case, matmul_case
from .growth import draw_growth
from .measure import Timing, bounded_memory, measure, peak_bytes
from .networks import Network, load_network
from .presets import TABLE_8, TABLE_10, TABLE_10_SIZES

__all__ = [
    'DTYPES',
    'FORMS',
    'MODES',
    'TABLE_8',
    'TABLE_10',
    'TABLE_10_SIZES',
    'Case',
    'Network',
    'Timing',
    'bounded_memory',
    'build_case',
    'draw_growth',
    'load_network',
    'matmul_case',
    'measure',
    'peak_bytes',
]
