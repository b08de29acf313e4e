"""The order in which one candidate sees questions and options."""

import random
from collections.abc import Sequence


def shuffled(keys: Sequence[str], *, seed: str, is_random: bool) -> list[str]:
    """Return all keys, in an order that depends on ``seed`` alone when ``is_random``, else as given."""
    order = list(keys)
    if is_random:
        random.Random(seed).shuffle(order)
    return order


def option_orders(options: dict[str, Sequence[str]], *, seed: str, is_random: bool) -> dict[str, list[str]]:
    """Return {question key: option keys in this candidate's order} for questions that have options."""
    return {
        question: shuffled(keys, seed=f"{seed}:{question}", is_random=is_random)
        for question, keys in options.items()
        if keys
    }
