"""Password hashing for an exam morning."""

from django.contrib.auth.hashers import Argon2PasswordHasher


class ExamArgon2Hasher(Argon2PasswordHasher):
    """Argon2id with the OWASP profile: 19 MiB, two passes, one lane.

    Django's own profile (100 MiB, eight lanes) needs minutes and gigabytes when a school signs in at once.
    """

    time_cost = 2
    memory_cost = 19_456
    parallelism = 1
