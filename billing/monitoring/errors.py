"""What can be wrong with acknowledging alarms."""

from billing.kit.errors import PrimelineError


class AlarmUnknown(PrimelineError):
    """No such alarm."""

    code = "alarm-unknown"

    def __init__(self, alarm_id: int) -> None:
        super().__init__(f"There is no alarm {alarm_id}.")


class AlarmOver(PrimelineError):
    """An alarm that is cleared: there is nothing to look after."""

    code = "alarm-over"

    def __init__(self, alarm_id: int) -> None:
        super().__init__(f"Alarm {alarm_id} is cleared already.")
