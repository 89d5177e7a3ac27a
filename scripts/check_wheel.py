"""Build the wheel from the committed files, as pip does, and check its contents.

The built page of the review, the detector and the pretrained network must be in it, the sources of the page must not.
Needs PyPI and the npm registry.
"""

import io
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

PAGE = "orbicyte/review/web/"
WANTED = {f"{PAGE}dist/{name}" for name in ("index.html", "assets/page.js", "assets/style.css", "assets/LICENSES.txt")}
WANTED |= {f"orbicyte/detection/weights/{name}" for name in ("unet.safetensors", "unet.json", "MODEL_CARD.md")}
SHIPPED = ("run.json", "weights.safetensors", "MODEL_CARD.md", "classifier/classifier.json")
WANTED |= {f"orbicyte/pretrained/{name}" for name in (*SHIPPED, "classifier/weights.safetensors")}


def main() -> None:
    """Build and check; exits with one line if something is wrong."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "source"
        archive = subprocess.run(["git", "archive", "HEAD"], check=True, capture_output=True).stdout
        with tarfile.open(fileobj=io.BytesIO(archive)) as committed:
            committed.extractall(source, filter="data")
        pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, str(source)]
        subprocess.run(pip, check=True)
        (wheel,) = Path(folder).glob("*.whl")
        names = zipfile.ZipFile(wheel).namelist()
        size_mb = wheel.stat().st_size / 1e6
    if missing := WANTED - set(names):
        sys.exit(f"{wheel.name} lacks {', '.join(sorted(missing))}")
    if strange := [name for name in names if name.startswith(PAGE) and not name.startswith(f"{PAGE}dist/")]:
        sys.exit(f"{wheel.name} must not contain {', '.join(strange)}")
    print(f"{wheel.name}: {size_mb:.1f} MB, the review's page, the detector and the pretrained network are in it")


if __name__ == "__main__":
    main()
