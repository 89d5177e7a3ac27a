"""``python -m orbicyte``."""

from orbicyte.cli import main

if __name__ == "__main__":
    main()
