"""What a rehearsal found."""

from dataclasses import dataclass, field


@dataclass
class Report:
    """Findings of a rehearsal that do not stop the run.

    Attributes:
        steps: Number of batches in an epoch of each process; None until the data are downloaded.
        rows: Names and texts for the summary of the run.
        remarks: Sentences about what the user may not expect.
    """

    steps: int | None = None
    rows: list[tuple[str, str]] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
