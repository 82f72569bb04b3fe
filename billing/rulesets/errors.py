"""What can be wrong with a rule set, with an operator's figure, or by a rule."""

from billing.kit.errors import PrimelineError


class RuleBroken(PrimelineError):
    """A number, a price or a partner is against a rule of its country."""

    code = "rule-broken"

    def __init__(self, rule: str, problem: str) -> None:
        super().__init__(f"Rule {rule}: {problem}")
        self.rule = rule


class RuleSetUnreadable(PrimelineError):
    """A data file of rules isn't written as it must be; nothing is loaded."""

    code = "rule-set-unreadable"

    def __init__(self, where: str, problem: str) -> None:
        super().__init__(f"The rule set {where} can't be used: {problem}.")


class FigureUnknown(PrimelineError):
    """No rule set of the country has the figure."""

    code = "figure-unknown"

    def __init__(self, country: str, name: str) -> None:
        super().__init__(
            f"The rules of {country} have no figure {name!r}; see primeline rules list."
        )


class FigureSure(PrimelineError):
    """A figure that the law states can't be set by the operator."""

    code = "figure-sure"

    def __init__(self, country: str, name: str) -> None:
        super().__init__(f"{name} of {country} is sure; a new dated rule set changes it.")


class FigureUnusable(PrimelineError):
    """A value is none that the figure can have."""

    code = "figure-unusable"

    def __init__(self, name: str, text: str, wanted: str) -> None:
        super().__init__(f"{text[:40]!r} is no value of {name}: {wanted} is wanted.")
