"""What makes a trained network faster, and leaves its outputs."""
from mmcv.cnn import fuse_conv_bn
from torch import nn


def fuse_for_inference(model: nn.Module) -> nn.Module:
    """Folds batch norms into the convs before them, in place.

    Args:
        model: In eval mode; of any codebase.

    Returns:
        The model. It is not to be trained any more, and its state dict is no
        longer that of a checkpoint.
    """
    return fuse_conv_bn(model)


def compile_backbone(backbone: nn.Module) -> None:
    """Compiles a network in place, anew for every size of images."""
    backbone.compile(dynamic=False)
