"""Why sending stops the whole run; each subclass carries its exit code (CLI §3)."""

from pipeline.model.stops import StopRun


class WrongEndpoint(StopRun):
    """The base URL or the token cannot be used as configured; nothing was sent (exit 2)."""

    exit_code = 2


class AuthRefused(StopRun):
    """The API refused the token or its rights (exit 6)."""

    exit_code = 6


class NotTheApi(StopRun):
    """What answers is not the Order API we may talk to: redirect, TLS, 404, crossed (exit 6)."""

    exit_code = 6


class ApiAway(StopRun):
    """The API does not answer, or asks to wait longer than allowed; run again later (exit 5)."""

    exit_code = 5


class EveryOrderRefused(StopRun):
    """All orders so far were refused for the same reason: a wrong mapping (exit 7)."""

    exit_code = 7
