"""Twilio: numbers found, bought, attached and given up; messages; calls handed over by webhook."""
