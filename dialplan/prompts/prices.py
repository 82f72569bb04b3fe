"""A tariff as one sentence."""

from collections.abc import Callable
from typing import Final

from billing.money.values import Money
from billing.tariffs.values import Tariff
from dialplan.prompts.amounts import price_words
from dialplan.prompts.durations import counted, duration
from dialplan.prompts.numbers import UnsayableValue, number_words

_MINUTE_SECONDS: Final = 60


def price_text(tariff: Tariff, language: str) -> str:
    """Say all that decides what a call costs, in one sentence.

    1.20 EUR a minute in blocks of 60 seconds is "This call costs one euro twenty a minute, each
    minute begun is charged in full." Raises UnsayableValue for what can't be said exactly.
    """
    if tariff.mode == "act":
        return _ACTS[language](tariff)
    amounts = (tariff.price_per_minute, tariff.connect_fee, tariff.minimum_charge)
    if any(money.amount < 0 for money in amounts):
        raise UnsayableValue("price", tariff)
    return ", ".join(_SENTENCES[language](tariff)) + "."


def _flat_price(tariff: Tariff) -> Money:
    """Give what each charged call costs when minutes cost nothing."""
    price = max(tariff.connect_fee, tariff.minimum_charge, key=lambda money: money.amount)
    if tariff.maximum_charge is not None and tariff.maximum_charge < price:
        return tariff.maximum_charge
    return price


def _english(tariff: Tariff) -> list[str]:
    flat = _flat_price(tariff)
    if not tariff.price_per_minute:
        if not flat:
            return ["This call is free"]
        parts = [f"This call costs {price_words(flat, 'en')}, however long it lasts"]
        return parts + ([_english_free(tariff)] if tariff.free_seconds else [])
    parts = [f"This call costs {price_words(tariff.price_per_minute, 'en')} a minute"]
    if tariff.connect_fee:
        parts.append(f"plus {price_words(tariff.connect_fee, 'en')} when it is connected")
    if tariff.free_seconds:
        parts.append(_english_free(tariff))
    first, following = tariff.first_increment_seconds, tariff.next_increment_seconds
    if first == following and first > 1:
        parts.append(f"each {_english_block(first)} begun is charged in full")
    elif first != following:
        paid = "paid " if tariff.free_seconds else ""
        verb = "is" if first in {1, _MINUTE_SECONDS} else "are"
        parts.append(f"the first {_english_block(first, paid)} {verb} charged in full")
        parts.append(f"then each {_english_block(following)} begun")
    if tariff.minimum_charge:
        parts.append(f"a charged call costs at least {price_words(tariff.minimum_charge, 'en')}")
    if tariff.maximum_charge is not None:
        parts.append(f"no call costs more than {price_words(tariff.maximum_charge, 'en')}")
    return parts


def _english_free(tariff: Tariff) -> str:
    seconds = tariff.free_seconds
    verb = "is" if seconds in {1, _MINUTE_SECONDS} else "are"
    return f"the first {_english_block(seconds)} {verb} free"


def _english_block(seconds: int, kind: str = "") -> str:
    count, noun = _block(seconds, "second")
    return f"{kind}{noun}" if count == 1 else counted(count, f"{kind}{noun}", "en")


def _french(tariff: Tariff) -> list[str]:
    flat = _flat_price(tariff)
    if not tariff.price_per_minute:
        if not flat:
            return ["Cet appel est gratuit"]
        parts = [f"Cet appel coûte {price_words(flat, 'fr')}, quelle que soit sa durée"]
        return parts + ([_french_free(tariff)] if tariff.free_seconds else [])
    parts = [f"Cet appel coûte {price_words(tariff.price_per_minute, 'fr')} la minute"]
    if tariff.connect_fee:
        parts.append(f"plus {price_words(tariff.connect_fee, 'fr')} à la mise en relation")
    if tariff.free_seconds:
        parts.append(_french_free(tariff))
    first, following = tariff.first_increment_seconds, tariff.next_increment_seconds
    if first == following and first > 1:
        parts.append(f"{_french_block(first)} est due en entier")
    elif first != following:
        paid = " payante" if tariff.free_seconds else ""
        parts.append(f"{_french_first(first, paid, 'due')} en entier")
        parts.append(f"puis {_french_block(following)}")
    if tariff.minimum_charge:
        minimum = price_words(tariff.minimum_charge, "fr")
        parts.append(f"un appel facturé coûte au moins {minimum}")
    if tariff.maximum_charge is not None:
        maximum = price_words(tariff.maximum_charge, "fr")
        de = "d’" if maximum.startswith(("un ", "une ")) else "de "
        parts.append(f"aucun appel ne coûte plus {de}{maximum}")
    return parts


def _french_free(tariff: Tariff) -> str:
    return _french_first(tariff.free_seconds, "", "gratuite")


def _french_first(seconds: int, kind: str, adjective: str) -> str:
    count, noun = _block(seconds, "seconde")
    if count == 1:
        return f"la première {noun}{kind} est {adjective}"
    plural = f"{noun}s{kind}s" if kind else f"{noun}s"
    return f"les {number_words(count, 'fr', feminine=True)} premières {plural} sont {adjective}s"


def _french_block(seconds: int) -> str:
    count, noun = _block(seconds, "seconde")
    if count == 1:
        return f"chaque {noun} entamée"
    return f"chaque tranche de {counted(count, noun, 'fr')} entamée"


def _block(seconds: int, second: str) -> tuple[int, str]:
    """Count a block in minutes where it is whole minutes, else in seconds."""
    minutes, rest = divmod(seconds, _MINUTE_SECONDS)
    return (seconds, second) if rest or not minutes else (minutes, "minute")


_SENTENCES: Final[dict[str, Callable[[Tariff], list[str]]]] = {"en": _english, "fr": _french}


def _act_price(tariff: Tariff) -> Money:
    price = tariff.price_per_act
    if price is None or price.amount < 0:
        raise UnsayableValue("price", tariff)
    return price


def _english_act(tariff: Tariff) -> str:
    price = price_words(_act_price(tariff), "en")
    longest = duration(tariff.longest_seconds, "en")
    return f"This service costs {price} in all, for {longest} at most."


def _french_act(tariff: Tariff) -> str:
    price = price_words(_act_price(tariff), "fr")
    longest = duration(tariff.longest_seconds, "fr")
    return f"Ce service coûte {price} en tout, pour {longest} au plus."


_ACTS: Final[dict[str, Callable[[Tariff], str]]] = {"en": _english_act, "fr": _french_act}
