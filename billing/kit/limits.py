"""Every wait, try and grant of a call in one frozen value, so that tests can shorten all of it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """How long each state of a call may last and how much talk is granted at once.

    Waits count from the end of the sentence the party hears. The state limits are also what the
    dead-man's switch in Asterisk is set to, plus `grace_ms`.
    """

    # Identifying and choosing.
    pin_digit_ms: int = 5_000
    pin_tries: int = 3
    identifying_ms: int = 90_000
    extension_first_digit_ms: int = 10_000
    extension_next_digit_ms: int = 5_000
    extension_tries: int = 3
    choosing_ms: int = 90_000
    # From the price to the expert's key.
    quoting_turn_ms: int = 10_000
    quoting_turns: int = 2
    quoting_ms: int = 60_000
    holding_ms: int = 3_000
    ringing_phone_ms: int = 25_000
    offer_wait_ms: int = 8_000
    offer_turns: int = 2
    ringing_and_offering_ms: int = 100_000
    # Premium rate: before the answer, on a menu, and the lease that a talk lives by.
    premium_setup_ms: int = 55_000
    announcing_ms: int = 25_000
    premium_menu_ms: int = 30_000
    premium_lease_ms: int = 60_000
    premium_renew_ms: int = 20_000
    premium_confirm_ms: int = 15_000
    # The cut comes this much before the cap, so that no carrier counts a second more.
    premium_cut_before_ms: int = 250
    # Between free and paid talk, and topping up in the midst of it.
    feature_key_ms: int = 2_000
    consent_wait_ms: int = 15_000
    consenting_ms: int = 60_000
    consent_offers: int = 3
    consent_apart_ms: int = 30_000
    freeing_ms: int = 15_000
    free_minutes_ms: int = 300_000
    voucher_key_ms: int = 8_000
    voucher_tries: int = 3
    topping_up_ms: int = 180_000
    please_wait_ms: int = 10_000
    # The expert's hold: how long it is paid, and how long it may last after that.
    hold_paid_ms: int = 10_000
    hold_ms: int = 110_000
    # After the talk.
    stopping_ms: int = 2_000
    settling_ms: int = 2_000
    aftercare_ms: int = 30_000
    goodbye_ms: int = 20_000
    ending_ms: int = 5_000
    received_ms: int = 8_000
    # Asterisk hangs up who sends no sound for so long, and who does so on hold.
    media_seconds: int = 30
    media_held_seconds: int = 180
    # Asterisk's own limit fires this much after ours.
    grace_ms: int = 2_000
    # Our cut comes this much after the grant's end, so that it is never early.
    cut_after_ms: int = 40
    # Grants (see docs: charging).
    grant_seconds: int = 300
    extend_at_seconds: int = 150
    minimum_talk_seconds: int = 60
    warning_seconds: int = 60
    no_warning_before_seconds: int = 5
    # The self-service lines.
    line_key_ms: int = 6_000
    line_step_ms: int = 60_000
    line_ms: int = 600_000
    line_header_ms: int = 2_000
    line_sessions: int = 40
    price_change_ms: int = 60_000
    # Housekeeping.
    database_ms: int = 2_500
    heartbeat_ms: int = 5_000
    sweep_ms: int = 60_000
    # A frozen Asterisk is noticed within both of these.
    ami_ping_ms: int = 10_000
    ami_ms: int = 5_000
