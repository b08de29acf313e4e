"""Amounts as an Indonesian reader expects them."""

from decimal import Decimal

from cbt.kernel.money import rounded

_DIGITS = ("nol", "satu", "dua", "tiga", "empat", "lima", "enam", "tujuh", "delapan", "sembilan", "sepuluh", "sebelas")
_STEPS = ((10**12, "triliun"), (10**9, "miliar"), (10**6, "juta"), (1000, "ribu"), (100, "ratus"))


def rupiah_full(amount: Decimal) -> str:
    """Write an amount with its cents: 1234567 is ``Rp 1.234.567,00``."""
    whole, _, cents = f"{rounded(amount):.2f}".partition(".")
    return f"Rp {int(whole):,}".replace(",", ".") + f",{cents}"


def percent(rate: Decimal) -> str:
    """Write a share of 1: 0.11 is ``11%``, 0.125 is ``12,5%``."""
    return f"{(rate * 100).normalize():f}".replace(".", ",") + "%"


def spelled(number: int) -> str:
    """Spell a whole number (0 to 999 trillion) in Indonesian: 111 is ``seratus sebelas``."""
    if number < len(_DIGITS):
        return _DIGITS[number]
    if number < 20:
        return f"{_DIGITS[number - 10]} belas"
    if number < 100:
        return _joined(f"{_DIGITS[number // 10]} puluh", number % 10)
    size, name = next((size, name) for size, name in _STEPS if number >= size)
    count, rest = divmod(number, size)
    is_one = count == 1 and size in {100, 1000}
    return _joined(f"se{name}" if is_one else f"{spelled(count)} {name}", rest)


def _joined(words: str, rest: int) -> str:
    return f"{words} {spelled(rest)}" if rest else words


def spelled_rupiah(amount: Decimal) -> str:
    """Spell an amount: 185000.50 is ``seratus delapan puluh lima ribu rupiah lima puluh sen``."""
    whole, cents = divmod(int(rounded(amount) * 100), 100)
    return f"{spelled(whole)} rupiah" + (f" {spelled(cents)} sen" if cents else "")
