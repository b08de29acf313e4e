"""The words a test's columns may hold. Values are the contract's and the test document's."""

from enum import StrEnum


class TestType(StrEnum):
    """Who may take a test: private users, participants of companies, or both."""

    __test__ = False

    PUBLIC = "public"
    COMPANY = "company"
    ALL = "all"


class ResultPolicy(StrEnum):
    """What a taker learns after submitting."""

    NONE = "none"
    SCORE = "score"
    SCORE_AND_KEY = "score_and_key"


class CheatPolicy(StrEnum):
    """What follows from suspicious acts: a ban, a flag for staff, or a pause."""

    BAN = "ban"
    FLAG = "flag"
    PAUSE = "pause"


FOR_COMPANIES = frozenset({TestType.COMPANY, TestType.ALL})
FOR_PUBLIC = frozenset({TestType.PUBLIC, TestType.ALL})
