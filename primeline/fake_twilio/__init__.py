"""A Twilio on this machine, for tests and for trying things out; it costs nothing and calls nobody.

Every request is checked against the OpenAPI files that Twilio publishes, and so is every answer.
"""
