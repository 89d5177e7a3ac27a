"""Why a decision is not kept. Each is one line for the person at the page, with the HTTP status it travels under."""

from orbicyte.errors import OrbicyteError


class RefusedError(OrbicyteError):
    """What was sent makes no sense: unknown kind, a position off the slide."""

    status = 400


class ReadOnlyError(RefusedError):
    """The study can be looked at only."""

    status = 403


class ConflictError(RefusedError):
    """It made sense before somebody else decided otherwise."""

    status = 409


class NotNowError(RefusedError):
    """It makes sense, and may be sent again: the file is held, damaged or moved, or another study is served here."""

    status = 503


class DiskFullError(RefusedError):
    """No room. Nothing of the batch is written."""

    status = 507
