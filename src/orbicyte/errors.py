"""The one exception that reaches a user as a single clear line."""


class OrbicyteError(Exception):
    """A mistake in what the user gave: files, tables, settings.

    The message says what was expected, what came, in which file, and what to do; the command line prints
    it as one line and exits with code 2. Anything else that is raised is a defect of orbicyte.
    """
