"""Routing, metering, charging and sharing of paid calls: no telephony, no HTTP."""
