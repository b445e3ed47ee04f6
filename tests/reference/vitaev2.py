"""ViTAEv2 as one function of the published state dict."""

from . import blocks

KERNELS = (7, 3, 3, 3)
RATIOS = (4, 2, 2, 2)
DILATIONS = ((1, 2, 3, 4), (1, 2, 3), (1, 2), (1, 2))
WINDOWED = (True, True, False, False)

DEPTHS = {'small': (2, 2, 8, 2), '48m': (2, 2, 11, 2), 'base': (2, 2, 12, 2)}
REDUCTION_HEADS = {'small': (1, 1, 2, 4), '48m': (1, 1, 2, 4), 'base': (1, 1, 4, 8)}
NORMAL_HEADS = {'small': (1, 2, 4, 8), '48m': (1, 2, 4, 8), 'base': (1, 4, 8, 16)}


def stage(state, x, index, arch, train=False):
    """Reduction cell, then the normal cells: (B, C_in, H, W) -> (B, D, H / r, W / r)."""
    prefix = f'layers.{index}.'
    windowed = WINDOWED[index]
    reduce = blocks.reduction_cell_window if windowed else blocks.reduction_cell_full
    normal = blocks.normal_cell_window if windowed else blocks.normal_cell_full
    x = blocks.pad_to_multiple(x, RATIOS[index])
    x = reduce(
        state,
        prefix + 'RC.',
        x,
        KERNELS[index],
        RATIOS[index],
        DILATIONS[index],
        REDUCTION_HEADS[arch][index],
        train=train,
    )
    for depth in range(DEPTHS[arch][index]):
        x = normal(state, f'{prefix}NC.{depth}.', x, NORMAL_HEADS[arch][index], train=train)
    return x


def maps(state, image, arch='small', train=False):
    """(B, 3, H, W) -> four maps (B, D, H / r, W / r), r = 4, 8, 16, 32."""
    outputs = []
    x = image
    for index in range(4):
        x = stage(state, x, index, arch, train)
        outputs.append(x)
    return outputs


def vitaev2(state, image, arch='small', train=False):
    """(B, 3, H, W) -> maps, features (B, D), and logits (B, classes) if there is a head."""
    stages = maps(state, image, arch, train)
    return dict(maps=stages, **blocks.classify(state, stages[-1].mean(dim=(2, 3))))
