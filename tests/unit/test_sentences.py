import re

import pytest

from billing.money.values import Money
from billing.tariffs.values import Tariff
from dialplan.prompts.catalogue import LANGUAGES, UnknownLanguage, catalogue
from dialplan.prompts.needed import standing_phrases
from dialplan.prompts.numbers import UnsayableValue, number_words
from dialplan.prompts.sentences import UnknownPhrase, texts, transcript
from dialplan.prompts.values import Phrase

CALL_MACHINE_IDS = {
    "press-1-or-2",
    "stays-free",
    "free-from-now",
    "free-minutes",
    "paid-again",
    "no-payer",
    "offer-later",
    "price-declined",
    "price-not-possible",
    "no-act-price",
    "no-free-talk-left",
    "caller-tops-up",
    "voucher-later",
    "welcome",
    "operator-ended",
    "enter-pin",
    "wrong-pin",
    "pin-locked",
    "caller-unknown",
    "balance-is",
    "enter-extension",
    "unknown-extension",
    "nothing-keyed",
    "press-1-to-accept",
    "expert-busy",
    "expert-away",
    "expert-no-answer",
    "expert-refused",
    "expert-unreachable",
    "credit-too-low",
    "limit-reached",
    "call-limit-reached",
    "day-limit-reached",
    "month-limit-reached",
    "number-alone-limit-reached",
    "number-limit-reached",
    "service-limit-reached",
    "caller-limit-reached",
    "wrong-currency",
    "no-tariff",
    "terms-not-accepted",
    "number-unknown",
    "service-down",
    "goodbye",
    "apology",
    "credit-used-up",
    "maximum-reached",
    "connection-lost",
    "expert-holds",
    "held-too-long",
    "free-limit",
    "the-call-cost",
    "nothing-charged",
    "credit-left-is",
    "expert-hung-up",
    "on-your-statement",
    "emergency",
    "offer-paid",
    "offer-free",
    "offer-begins-free",
    "offer-premium",
    "caller-hears-price",
    "spent-so-far",
    "spent-soon",
    "press-1-to-go-on",
    "expert-not-free",
    "press-1-or-3",
    "caller-hung-up",
    "caller-credit-used-up",
    "you-earned",
    "expert-goodbye",
    "tone",
    "warning",
}

RULE_IDS = {"access-charge", "hang-up-free", "no-transfer-fee", "parents", "plus-normal-call"}
LINE_IDS = {
    "account-menu",
    "at",
    "earned-this-month",
    "earned-today",
    "enter-day-limit",
    "enter-hour",
    "enter-own-extension",
    "enter-price",
    "enter-voucher",
    "expected-this-month",
    "expert-menu",
    "expert-pin-locked",
    "it-lasted",
    "last-calls",
    "limit-not-lower",
    "limit-per-call",
    "limit-per-day",
    "limit-per-month",
    "limit-set",
    "new-day-limit",
    "new-price",
    "no-calls-yet",
    "no-limits",
    "no-such-hour",
    "nothing",
    "nothing-changed",
    "press-1-to-confirm",
    "price-from",
    "price-is",
    "price-not-allowed",
    "price-not-settable",
    "price-out-of-bounds",
    "price-set",
    "price-to",
    "today",
    "voucher-credited",
    "voucher-currency",
    "voucher-expired",
    "voucher-miskeyed",
    "voucher-tries",
    "voucher-unknown",
    "voucher-used",
    "voucher-voided",
    "wrong-extension-or-pin",
    "yesterday",
    "you-are-off-line",
    "you-are-on-line",
    "you-are-on-line-until",
}


def cents(minor: int, currency: str = "EUR") -> Money:
    return Money.of_minor(minor, currency)


def tariff(
    per_minute: int,
    *,
    fee: int = 0,
    minimum: int = 0,
    maximum: int | None = None,
    blocks: tuple[int, int] = (1, 1),
    free_seconds: int = 0,
    currency: str = "EUR",
) -> Tariff:
    return Tariff(
        price_per_minute=cents(per_minute, currency),
        connect_fee=cents(fee, currency),
        minimum_charge=cents(minimum, currency),
        maximum_charge=None if maximum is None else cents(maximum, currency),
        first_increment_seconds=blocks[0],
        next_increment_seconds=blocks[1],
        free_seconds=free_seconds,
    )


@pytest.mark.parametrize(
    ("number", "english", "french"),
    [
        (0, "zero", "zéro"),
        (1, "one", "un"),
        (11, "eleven", "onze"),
        (16, "sixteen", "seize"),
        (17, "seventeen", "dix-sept"),
        (20, "twenty", "vingt"),
        (21, "twenty-one", "vingt et un"),
        (22, "twenty-two", "vingt-deux"),
        (61, "sixty-one", "soixante et un"),
        (70, "seventy", "soixante-dix"),
        (71, "seventy-one", "soixante et onze"),
        (77, "seventy-seven", "soixante-dix-sept"),
        (80, "eighty", "quatre-vingts"),
        (81, "eighty-one", "quatre-vingt-un"),
        (90, "ninety", "quatre-vingt-dix"),
        (91, "ninety-one", "quatre-vingt-onze"),
        (99, "ninety-nine", "quatre-vingt-dix-neuf"),
        (100, "one hundred", "cent"),
        (101, "one hundred and one", "cent un"),
        (171, "one hundred and seventy-one", "cent soixante et onze"),
        (200, "two hundred", "deux cents"),
        (280, "two hundred and eighty", "deux cent quatre-vingts"),
        (1_000, "one thousand", "mille"),
        (1_001, "one thousand and one", "mille un"),
        (1_200, "one thousand two hundred", "mille deux cents"),
        (80_000, "eighty thousand", "quatre-vingt mille"),
        (200_000, "two hundred thousand", "deux cent mille"),
        (
            999_999,
            "nine hundred and ninety-nine thousand nine hundred and ninety-nine",
            "neuf cent quatre-vingt-dix-neuf mille neuf cent quatre-vingt-dix-neuf",
        ),
    ],
)
def test_numbers_are_said_in_words(number: int, english: str, french: str) -> None:
    assert (number_words(number, "en"), number_words(number, "fr")) == (english, french)


@pytest.mark.parametrize(
    ("number", "french"), [(1, "une"), (21, "vingt et une"), (81, "quatre-vingt-une"), (71, None)]
)
def test_french_numbers_follow_a_feminine_noun(number: int, french: str | None) -> None:
    expected = french or number_words(number, "fr")
    assert number_words(number, "fr", feminine=True) == expected


@pytest.mark.parametrize("number", [-1, 1_000_000])
def test_a_number_without_words_is_refused(number: int) -> None:
    with pytest.raises(UnsayableValue):
        number_words(number, "fr")


@pytest.mark.parametrize(
    ("money", "english", "french"),
    [
        (cents(0), "zero euros", "zéro euro"),
        (cents(1), "one cent", "un centime"),
        (cents(80), "eighty cents", "quatre-vingts centimes"),
        (cents(100), "one euro", "un euro"),
        (cents(150), "one euro · and fifty cents", "un euro · et cinquante centimes"),
        (cents(201), "two euros · and one cent", "deux euros · et un centime"),
        (cents(1230), "twelve euros · and thirty cents", "douze euros · et trente centimes"),
        (
            cents(2171),
            "twenty-one euros · and seventy-one cents",
            "vingt et un euros · et soixante et onze centimes",
        ),
        (
            cents(8081),
            "eighty euros · and eighty-one cents",
            "quatre-vingts euros · et quatre-vingt-un centimes",
        ),
        (Money(9_99, "EUR"), "nine cents", "neuf centimes"),
        (Money(99, "EUR"), "zero euros", "zéro euro"),
        (cents(101, "GBP"), "one pound · and one penny", "une livre · et un penny"),
        (
            cents(2102, "GBP"),
            "twenty-one pounds · and two pence",
            "vingt et une livres · et deux pence",
        ),
        (cents(120, "USD"), "one dollar · and twenty cents", "un dollar · et vingt cents"),
        (cents(205, "CHF"), "two francs · and five centimes", "deux francs · et cinq centimes"),
    ],
)
def test_an_amount_is_one_or_two_phrases_and_never_rounded_up(
    money: Money, english: str, french: str
) -> None:
    phrase = Phrase("amount", money)
    assert " · ".join(texts(phrase, "en")) == english
    assert " · ".join(texts(phrase, "fr")) == french


@pytest.mark.parametrize(
    ("seconds", "english", "french"),
    [
        (1, "one second", "une seconde"),
        (21, "twenty-one seconds", "vingt et une secondes"),
        (59, "fifty-nine seconds", "cinquante-neuf secondes"),
        (60, "one minute", "une minute"),
        (119, "one minute", "une minute"),
        (120, "two minutes", "deux minutes"),
        (21 * 60, "twenty-one minutes", "vingt et une minutes"),
        (3_659, "sixty minutes", "soixante minutes"),
        (3_660, "more than an hour", "plus d’une heure"),
        (1_000_000_000, "more than an hour", "plus d’une heure"),
    ],
)
def test_what_credit_buys_is_floored(seconds: int, english: str, french: str) -> None:
    credit, offer = Phrase("credit-buys", seconds), Phrase("credit-buys-caller", seconds)
    assert texts(credit, "en") == (f"Your credit is enough for {english}.",)
    assert texts(credit, "fr") == (f"Votre crédit suffit pour {french}.",)
    assert texts(offer, "en") == (f"The caller has credit for {english}.",)
    assert texts(offer, "fr") == (f"L’appelant a du crédit pour {french}.",)


@pytest.mark.parametrize(
    ("seconds", "english", "french"),
    [
        (45, "forty-five seconds", "quarante-cinq secondes"),
        (61, "one minute and one second", "une minute et une seconde"),
        (600, "ten minutes", "dix minutes"),
    ],
)
def test_a_free_call_has_its_exact_length(seconds: int, english: str, french: str) -> None:
    phrase = Phrase("free-call", seconds)
    assert texts(phrase, "en") == (f"This call is free and lasts {english} at most.",)
    assert texts(phrase, "fr") == (f"Cet appel est gratuit et dure {french} au plus.",)


@pytest.mark.parametrize(
    ("price", "english", "french"),
    [
        (cents(1), "one cent", "un centime"),
        (cents(80), "eighty cents", "quatre-vingts centimes"),
        (cents(100), "one euro", "un euro"),
        (cents(105), "one euro and five cents", "un euro et cinq centimes"),
        (cents(120), "one euro twenty", "un euro vingt"),
        (cents(150), "one euro fifty", "un euro cinquante"),
        (cents(2_191), "twenty-one euros ninety-one", "vingt et un euros quatre-vingt-onze"),
        (cents(7_180), "seventy-one euros eighty", "soixante et onze euros quatre-vingts"),
        (cents(8_081), "eighty euros eighty-one", "quatre-vingts euros quatre-vingt-un"),
        (cents(120, "GBP"), "one pound twenty", "une livre vingt"),
        (cents(50, "GBP"), "fifty pence", "cinquante pence"),
    ],
)
def test_a_price_per_minute_is_said_as_people_do(price: Money, english: str, french: str) -> None:
    phrase = Phrase("price", tariff(price.amount // 100, currency=price.currency))
    assert texts(phrase, "en") == (f"This call costs {english} a minute.",)
    assert texts(phrase, "fr") == (f"Cet appel coûte {french} la minute.",)


@pytest.mark.parametrize(
    ("price", "english", "french"),
    [
        (
            tariff(120, fee=30),
            "plus thirty cents when it is connected",
            "plus trente centimes à la mise en relation",
        ),
        (
            tariff(120, blocks=(60, 60)),
            "each minute begun is charged in full",
            "chaque minute entamée est due en entier",
        ),
        (
            tariff(120, blocks=(90, 90)),
            "each ninety seconds begun is charged in full",
            "chaque tranche de quatre-vingt-dix secondes entamée est due en entier",
        ),
        (
            tariff(120, blocks=(30, 6)),
            "the first thirty seconds are charged in full, then each six seconds begun",
            (
                "les trente premières secondes sont dues en entier,"
                " puis chaque tranche de six secondes entamée"
            ),
        ),
        (
            tariff(120, blocks=(60, 1), free_seconds=30),
            (
                "the first thirty seconds are free,"
                " the first paid minute is charged in full, then each second begun"
            ),
            (
                "les trente premières secondes sont gratuites,"
                " la première minute payante est due en entier, puis chaque seconde entamée"
            ),
        ),
        (
            tariff(120, minimum=50, maximum=100, free_seconds=60),
            (
                "the first minute is free,"
                " a charged call costs at least fifty cents, no call costs more than one euro"
            ),
            (
                "la première minute est gratuite,"
                " un appel facturé coûte au moins cinquante centimes,"
                " aucun appel ne coûte plus d’un euro"
            ),
        ),
        (
            tariff(120, maximum=1_250, blocks=(120, 120)),
            "each two minutes begun is charged in full, no call costs more than twelve euros fifty",
            (
                "chaque tranche de deux minutes entamée est due en entier,"
                " aucun appel ne coûte plus de douze euros cinquante"
            ),
        ),
    ],
)
def test_a_price_says_all_that_makes_a_call_dearer(
    price: Tariff, english: str, french: str
) -> None:
    phrase = Phrase("price", price)
    assert texts(phrase, "en") == (f"This call costs one euro twenty a minute, {english}.",)
    assert texts(phrase, "fr") == (f"Cet appel coûte un euro vingt la minute, {french}.",)


@pytest.mark.parametrize(
    ("price", "english", "french"),
    [
        (
            tariff(0, fee=500, minimum=600, maximum=2_000, blocks=(60, 60)),
            "This call costs six euros, however long it lasts.",
            "Cet appel coûte six euros, quelle que soit sa durée.",
        ),
        (
            tariff(0, fee=500, maximum=400, free_seconds=10),
            "This call costs four euros, however long it lasts, the first ten seconds are free.",
            (
                "Cet appel coûte quatre euros, quelle que soit sa durée,"
                " les dix premières secondes sont gratuites."
            ),
        ),
        (tariff(0), "This call is free.", "Cet appel est gratuit."),
    ],
)
def test_a_price_without_minutes_is_flat(price: Tariff, english: str, french: str) -> None:
    phrase = Phrase("price", price)
    assert (texts(phrase, "en"), texts(phrase, "fr")) == ((english,), (french,))


@pytest.mark.parametrize(
    "phrase",
    [
        Phrase("amount", Money(-1, "EUR")),
        Phrase("amount", cents(100_000_000)),
        Phrase("amount", 12),
        Phrase("credit-buys", 0),
        Phrase("credit-buys-caller", -5),
        Phrase("free-call", 0),
        Phrase("price", tariff(-1)),
        Phrase("price", Tariff(Money(12_050, "EUR"), cents(0), cents(0), None)),
        Phrase("price"),
        Phrase("expert-name", "12 +33;|&"),
        Phrase("provider", " ;|&"),
        Phrase("service"),
    ],
)
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_value_without_a_right_sentence_is_refused(phrase: Phrase, language: str) -> None:
    with pytest.raises(UnsayableValue):
        texts(phrase, language)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("Zoé O'Brien-Smith", "Zoé O'Brien-Smith"),
        ("  Ann\r\nVariable: x  ", "Ann Variable x"),
        ("-l en <speed level='500'>Bob</speed>", "l en speed level ' ' Bob speed"),
        ("Ze\u0301", "Zé"),
        ("x" * 500, "x" * 60),
    ],
)
def test_a_name_is_words_only(given: str, said: str) -> None:
    assert texts(Phrase("expert-name", given), "en") == (said,)


def test_who_provides_what_is_said_in_a_sentence_in_either_language() -> None:
    provider, service = Phrase("provider", "Example & Co."), Phrase("service", "Line 24: advice")
    assert texts(provider, "en") == ("This service is provided by Example Co.",)
    assert texts(provider, "fr") == ("Ce service est fourni par Example Co.",)
    assert texts(service, "en") == ("The service is called Line 24 advice.",)
    assert texts(service, "fr") == ("Ce service s’appelle Line 24 advice.",)


def test_every_phrase_of_the_call_is_in_both_languages() -> None:
    assert set(catalogue("en")) == set(catalogue("fr")) == CALL_MACHINE_IDS | LINE_IDS | RULE_IDS


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_two_phrases_say_the_same(language: str) -> None:
    said = list(catalogue(language).values())
    assert len(said) == len(set(said))


def test_only_the_tone_has_no_words() -> None:
    for language in LANGUAGES:
        assert [id_ for id_, text in catalogue(language).items() if not text] == ["tone"]
    assert transcript(Phrase("tone"), "fr") == "(tone)"
    assert transcript(Phrase("amount", cents(120)), "en") == "one euro and twenty cents"


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_is_said_with_digits_or_a_decimal_comma(language: str) -> None:
    prices = [Phrase("price", tariff(minor, fee=minor)) for minor in range(1, 300)]
    for phrase in [*standing_phrases("EUR"), *prices]:
        for text in texts(phrase, language):
            assert not re.search(r"\d|virgule|  ", text)
            assert language != "fr" or "'" not in text  # the typographic one


def test_unknown_ids_and_languages_are_refused() -> None:
    with pytest.raises(UnknownPhrase):
        texts(Phrase("wellcome"), "en")
    with pytest.raises(UnknownLanguage):
        texts(Phrase("welcome"), "xx")
