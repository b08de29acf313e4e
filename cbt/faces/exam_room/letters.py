"""Letters a candidate sees, and the option keys behind them: pure.

An option's letter is its place on that candidate's own paper, so the same letter means different options to two
neighbours. Questions without options are answered in plain text.
"""

from typing import Any

from catalog.engine.structure import Question

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#: Behind Z go on AA, AB, …: a question may have 50 options.
LETTERS = (*_ALPHABET, *(first + second for first in _ALPHABET for second in _ALPHABET))
TRUE_FALSE = {"A": True, "B": False}
TRUE_FALSE_TEXTS = {"A": "Benar", "B": "Salah"}
_MANY = frozenset({"multiple_choice", "ranking"})
_ONE = frozenset({"single_choice", "likert"})


class NotALetter(ValueError):
    """An answer that is no letter of its question; the text may be shown."""


def letters_of(order: list[str]) -> dict[str, str]:
    """Return {letter: option key} for one question's options in a candidate's order."""
    return dict(zip(LETTERS, order, strict=False))


def value_of(question: Question, order: list[str], answer: str | None) -> Any:
    """Return the answer to store for what a candidate sent; None clears.

    One letter for one option, several (``"AC"`` or ``"A, C"``) where several may be chosen, in order for a ranking;
    written apart where there are more than 26 options.
    Raises `NotALetter` for anything that is no letter of this question.
    """
    if answer is None or not answer.strip():
        return None
    if question.kind == "true_false":
        return TRUE_FALSE[_letter(answer, TRUE_FALSE)]
    by_letter = letters_of(order)
    if question.kind in _ONE:
        return by_letter[_letter(answer, by_letter)]
    if question.kind in _MANY:
        parts = answer.replace(",", " ").split()
        if len(by_letter) <= len(_ALPHABET):
            parts = list("".join(parts))
        return [by_letter[_letter(part, by_letter)] for part in parts]
    return answer


def _letter(text: str, known: dict[str, Any]) -> str:
    letter = text.strip().upper()
    if letter not in known:
        raise NotALetter(f"The answer must be one of {', '.join(known)}.")
    return letter


def answer_of(question: Question, order: list[str], value: Any) -> str | None:
    """Return a stored answer or key as this candidate writes it; None for none."""
    if value is None:
        return None
    if question.kind == "true_false":
        return "A" if value is True else "B"
    by_key = {key: letter for letter, key in letters_of(order).items()}
    if question.kind in _ONE:
        return by_key.get(value)
    if question.kind == "ranking":
        return ",".join(by_key.get(key, "?") for key in value)
    if question.kind == "multiple_choice":
        return ",".join(sorted((by_key.get(key, "?") for key in value), key=lambda letter: (len(letter), letter)))
    return " / ".join(map(str, value)) if isinstance(value, list) else str(value)


def options_of(question: Question, order: list[str]) -> dict[str, str]:
    """Return {letter: text} as the candidate sees them; empty for a question that is answered in text."""
    if question.kind == "true_false":
        return dict(TRUE_FALSE_TEXTS)
    texts = {option.key: option.text for option in question.options}
    return {letter: texts[key] for letter, key in letters_of(order).items()} if texts else {}
