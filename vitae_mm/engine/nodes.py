"""Walking through the dicts of a config."""
from collections.abc import Iterator, Mapping, Sequence


def entries(node: object) -> Iterator[Mapping]:
    """Data loaders, lists of them, wrappers such as RepeatDataset and
    ConcatDataset, and the datasets inside."""
    for entry in dicts(node):
        yield entry
        yield from entries(_inner(entry))


def innermost(node: object) -> Iterator[Mapping]:
    """Those of :func:`entries` that wrap no other: the datasets themselves."""
    return (entry for entry in entries(node) if _inner(entry) is None)


def dicts(node: object) -> Iterator[Mapping]:
    """A dict, or those of a list."""
    if isinstance(node, Mapping):
        yield node
    elif isinstance(node, (list, tuple)):
        for inner in node:
            yield from dicts(inner)


def steps(pipeline: object, kind: str) -> Iterator[Mapping]:
    """The transforms of a type, also those inside of others."""
    for step in dicts(pipeline):
        if type_name(step) == kind:
            yield step
        yield from steps(step.get('transforms'), kind)


def reads_files(pipeline: Sequence[Mapping]) -> bool:
    """Whether a pipeline begins with files; else the dataset gives images."""
    return any(type_name(step).startswith('LoadImage') for step in pipeline)


def without_annotations(pipeline: Sequence[Mapping]) -> list[Mapping]:
    """The transforms of a pipeline but for those that load annotations."""
    return [step for step in pipeline if 'LoadAnnotations' not in str(step['type'])]


def type_name(entry: Mapping) -> str:
    """Name of a class, given as it is or as text, with or without scope."""
    kind = entry.get('type', '')
    return kind.rpartition('.')[2] if isinstance(kind, str) else kind.__name__


def _inner(entry: Mapping) -> object:
    """The dataset, or several, in a data loader or a wrapper."""
    return entry.get('dataset', entry.get('datasets'))
