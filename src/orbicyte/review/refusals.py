"""Reasons why a decision is not saved. Each is one line for the reader, with the HTTP status of the answer."""

from orbicyte.errors import OrbicyteError


class RefusedError(OrbicyteError):
    """The request is invalid: unknown kind, a position outside the slide."""

    status = 400


class ReadOnlyError(RefusedError):
    """The study is read-only."""

    status = 403


class ConflictError(RefusedError):
    """The request contradicts what another reader has changed since."""

    status = 409


class NotNowError(RefusedError):
    """The request may be sent again: the file is locked, damaged or moved, or another study is served here."""

    status = 503


class DiskFullError(RefusedError):
    """The disk is full. Nothing of the batch is written."""

    status = 507
