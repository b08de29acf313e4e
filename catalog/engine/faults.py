"""What is wrong with a document, all of it at once."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: where (dotted, e.g. `questions.3.answer_key`) and what."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}"


class DocumentInvalid(ValueError):
    """A document that cannot be a test. `faults` lists every fault found, in the order of the document."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(str(fault) for fault in self.faults))

    def by_path(self) -> dict[str, list[str]]:
        """Faults grouped by path: `{"questions.3.answer_key": ["..."]}`."""
        grouped: dict[str, list[str]] = {}
        for fault in self.faults:
            grouped.setdefault(fault.path, []).append(fault.message)
        return grouped
