"""The house's hashers at the least cost: what they do is tested, not how long they take."""

from accounts.hashers import ExamArgon2Hasher, WrappedHasher


class CheapArgon2Hasher(ExamArgon2Hasher):
    time_cost = 1
    memory_cost = 8


class CheapWrappedHasher(WrappedHasher):
    time_cost = 1
    memory_cost = 8


HOUSE = ["tests.hashers.CheapArgon2Hasher", "accounts.hashers.SealedHasher", "tests.hashers.CheapWrappedHasher"]
