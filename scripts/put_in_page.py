"""Put the output of a benchmark into a page of the documentation, between its markers.

    python benchmarks/rotated_mnist.py --table | python scripts/put_in_page.py docs/benchmarks.md rotated-mnist

The page holds ``<!-- rotated-mnist -->`` and ``<!-- end of rotated-mnist -->``; the text between them is replaced.
A Markdown table is inserted as it is, other text as a code block.
"""

import argparse
import sys
from pathlib import Path


def main() -> None:
    """Replace one part of a page by standard input."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("page", type=Path)
    parser.add_argument("mark")
    options = parser.parse_args()
    begin, end = f"<!-- {options.mark} -->", f"<!-- end of {options.mark} -->"
    text = options.page.read_text(encoding="utf-8")
    if text.count(begin) != 1 or text.count(end) != 1:
        parser.error(f"{options.page} must hold {begin} and {end} once each")
    printed = sys.stdin.read().strip()
    if not printed:
        parser.error("standard input is empty: the page is not changed")
    block = printed if "\n|---" in printed else f"```\n{printed}\n```"
    before, _, rest = text.partition(begin)
    options.page.write_text(f"{before}{begin}\n\n{block}\n\n{end}{rest.partition(end)[2]}", encoding="utf-8")


if __name__ == "__main__":
    main()
