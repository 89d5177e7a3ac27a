"""The exception whose message the user sees as a single line."""


class OrbicyteError(Exception):
    """An error in the user's input: files, tables, settings.

    The message states what was expected, what was found, in which file, and what to do; the command line prints
    it as one line and exits with code 2. Any other exception is a defect of orbicyte.
    """
