"""Names of the published networks' modules -> ours.

Each ``{}`` stands for a number. A published module that the table does not
name is an error.
"""

VITAEV2 = {
    'layers.{}.RC.PRM.convs.{}.0': 'backbone.stages.{}.reduction.prm.branches.{}',
    'layers.{}.RC.PCM.0': 'backbone.stages.{}.reduction.pcm.conv1',
    'layers.{}.RC.PCM.1': 'backbone.stages.{}.reduction.pcm.norm1',
    'layers.{}.RC.PCM.3': 'backbone.stages.{}.reduction.pcm.conv2',
    'layers.{}.RC.PCM.4': 'backbone.stages.{}.reduction.pcm.norm2',
    'layers.{}.RC.PCM.6': 'backbone.stages.{}.reduction.pcm.conv3',
    'layers.{}.RC.attn.norm1': 'backbone.stages.{}.reduction.norm1',
    'layers.{}.RC.attn.attn.qkv': 'backbone.stages.{}.reduction.attn.qkv',
    'layers.{}.RC.attn.attn.proj': 'backbone.stages.{}.reduction.attn.proj',
    'layers.{}.RC.attn.norm2': 'backbone.stages.{}.reduction.norm2',
    'layers.{}.RC.attn.mlp.fc1': 'backbone.stages.{}.reduction.ffn.fc1',
    'layers.{}.RC.attn.mlp.fc2': 'backbone.stages.{}.reduction.ffn.fc2',
    'layers.{}.NC.{}.norm1': 'backbone.stages.{}.cells.{}.norm1',
    'layers.{}.NC.{}.attn.qkv': 'backbone.stages.{}.cells.{}.attn.qkv',
    'layers.{}.NC.{}.attn.proj': 'backbone.stages.{}.cells.{}.attn.proj',
    'layers.{}.NC.{}.norm2': 'backbone.stages.{}.cells.{}.norm2',
    'layers.{}.NC.{}.mlp.fc1': 'backbone.stages.{}.cells.{}.ffn.fc1',
    'layers.{}.NC.{}.mlp.fc2': 'backbone.stages.{}.cells.{}.ffn.fc2',
    'layers.{}.NC.{}.PCM.0': 'backbone.stages.{}.cells.{}.pcm.conv1',
    'layers.{}.NC.{}.PCM.1': 'backbone.stages.{}.cells.{}.pcm.norm1',
    'layers.{}.NC.{}.PCM.3': 'backbone.stages.{}.cells.{}.pcm.conv2',
    'layers.{}.NC.{}.PCM.4': 'backbone.stages.{}.cells.{}.pcm.norm2',
    'layers.{}.NC.{}.PCM.6': 'backbone.stages.{}.cells.{}.pcm.conv3',
    'head': 'head.fc',
}

TABLES = {'vitaev2': VITAEV2}
"""Family -> table."""

DERIVED = ('relative_position_index', )
"""Published entries that follow from the window size and carry no weights."""
