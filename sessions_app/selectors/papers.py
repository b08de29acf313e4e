"""The paper a candidate sees: built from the frozen version and the stored order, without keys."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from catalog.engine.paper import public_question
from catalog.engine.structure import PaperVersion
from catalog.selectors.versions import version_load, version_picture_urls
from cbt.kernel import clock, storage
from sessions_app.engine import timing
from sessions_app.models import ExamSession, SessionPaper

Absolute = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class CandidatePaper:
    """A version and the order in which one candidate sees it.

    Questions are numbered by their place in the version, from 1: the same number for everybody who sits it.
    """

    version: PaperVersion
    question_order: list[str]
    option_orders: dict[str, list[str]]

    def key_of(self, number: int) -> str | None:
        """Return the key of the question with this number, None when there is none."""
        questions = self.version.questions
        return questions[number - 1].key if 0 < number <= len(questions) else None

    @property
    def numbers(self) -> dict[str, int]:
        """Return {question key: number}."""
        return {question.key: number for number, question in enumerate(self.version.questions, start=1)}


def candidate_paper(session: ExamSession) -> CandidatePaper:
    """Return the paper of a session as its candidate sees it, keys included: for translating, not for showing."""
    paper = SessionPaper.objects.get(pk=session.pk)
    return CandidatePaper(version_load(session.version_id), paper.question_order, paper.option_orders)


def picture_urls(session: ExamSession, *, absolute: Absolute) -> dict[str, str]:
    """Return {picture key: address} for the candidate of this session, good as long as it takes answers."""
    until = timing.pictures_until(now=clock.now(), deadline=session.deadline_at, grace_seconds=session.grace_seconds)
    sign = partial(storage.signed_path_of_paper, holder=f"s{session.pk}", until=until)
    return {key: absolute(path) for key, path in version_picture_urls(session.version_id, sign).items()}


def paper_of(session: ExamSession, *, absolute: Absolute) -> list[dict[str, Any]]:
    """Return the questions in this candidate's order; an empty list for a test without a question bank.

    absolute: turns a path of this server into an address.  Nothing that tells an answer is in the result:
    `catalog.engine.paper` lists what may be shown.
    """
    version = version_load(session.version_id)
    if not version.questions:
        return []
    urls = picture_urls(session, absolute=absolute)
    paper = SessionPaper.objects.get(pk=session.pk)
    return [
        _question(version, key, number, paper.option_orders.get(key), urls)
        for number, key in enumerate(paper.question_order, start=1)
    ]


def _question(
    version: PaperVersion, key: str, number: int, option_order: list[str] | None, urls: dict[str, str]
) -> dict[str, Any]:
    shown = public_question(version.questions_by_key[key], option_order)
    question_id = shown.pop("key")
    for thing in (shown, *shown["options"]):
        thing["picture"] = _picture(version, thing["picture"], urls)
    return {"question_id": question_id, "number": number, **shown}


def _picture(version: PaperVersion, key: str | None, urls: dict[str, str]) -> dict[str, str] | None:
    if key is None or key not in urls:
        return None
    return {"url": urls[key], "alt": version.pictures_by_key[key].alt}
