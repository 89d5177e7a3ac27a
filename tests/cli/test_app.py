"""The command line as users see it: help, options, and one line for every mistake."""

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from orbicyte import cli
from orbicyte.errors import OrbicyteError
from orbicyte.settings import Settings
from orbicyte.study.runs import RunFolder

COMMANDS = [
    "run",
    "experiment",
    "demo",
    "import",
    "import-cells",
    "detect",
    "train",
    "embed",
    "evaluate",
    "report",
    "count",
    "cut",
    "detector",
    "classify",
    "classify-fit",
    "types",
    "settings",
    "export",
    "slides",
    "review",
    "agreement",
    "audit",
]
SLOW = ("torch", "lightning", "anndata", "sklearn", "skimage", "scipy", "matplotlib", "pandas", "numpy")

OPTIONS = {
    "run": [
        "--labels",
        "--out",
        "--networks",
        "--rotation-weights",
        "--unlabelled",
        "--folds",
        "--fold",
        "--preset",
        "--max-cells",
        "--seed",
        "--set",
        "--file-column",
        "--label-column",
        "--on-conflict",
        "--allow-shared-slides",
    ],
    "import": ["--labels", "--out", "--unlabelled", "--max-cells", "--seed", "--on-conflict", "--allow-shared-slides"],
    "train": ["--networks", "--rotation-weights", "--folds", "--fold", "--preset", "--seed", "--set"],
    "evaluate": ["--set"],
    "demo": ["--out"],
    "experiment": ["--networks", "--rotation-weights", "--folds", "--seeds", "--workers", "--scheduler", "--dry-run"],
}

INTERRUPTED = "interrupted: finished work is kept; run the same command again to continue"

HELP = f"""
import sys
from typer.testing import CliRunner
from orbicyte.cli import app
inner = [["slides", "check"], ["export", "onnx"], ["detector", "train"]]
for words in [[], *inner, *([name] for name in {COMMANDS})]:
    result = CliRunner().invoke(app, [*words, "--help"])
    assert result.exit_code == 0, words
    assert "Usage" in result.output
print(*(name for name in {SLOW} if name in sys.modules))
"""


def invoke(*words: str) -> tuple[int, str]:
    """Exit code and what is on stderr."""
    result = CliRunner().invoke(cli.app, list(words), env={"COLUMNS": "300"})
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stderr


def one_line(*words: str) -> str:
    """The only line on stderr, of a mistake found before anything is printed."""
    code, printed = invoke(*words)
    assert code == 2, printed
    assert printed.startswith("orbicyte: ")
    assert printed.count("\n") == 1
    assert printed.endswith("\n")
    return printed


def test_version() -> None:
    result = CliRunner().invoke(cli.app, ["--version"])
    assert (result.exit_code, result.stdout) == (0, f"orbicyte {version('orbicyte')}\n")


def test_help_of_every_command_imports_no_slow_module() -> None:
    result = subprocess.run([sys.executable, "-c", HELP], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert result.stdout.split() == []


def test_all_commands_exist() -> None:
    group = typer.main.get_command(cli.app)
    assert set(getattr(group, "commands", {})) == set(COMMANDS)


def test_commands_are_listed_by_file_in_the_order_of_work() -> None:
    lines = CliRunner().invoke(cli.app, ["--help"]).output.splitlines()
    headings = [line.removesuffix(":") for line in lines if line.endswith(":") and not line.startswith(" ")]
    files = ["All steps", "Slides", "Detection", "Review", "Patches", "Representation", "Cell types", "Exchange"]
    assert headings == ["Options", *files]
    folder = Path(cli.__file__).parent
    assert all((folder / f"{name.lower().replace(' ', '_')}.py").exists() for name in files)


@pytest.mark.parametrize("command", OPTIONS)
def test_options_are_in_the_help(command: str) -> None:
    result = CliRunner().invoke(cli.app, [command, "--help"], env={"COLUMNS": "300"})
    missing = [option for option in OPTIONS[command] if f"{option} " not in result.output]
    assert not missing


@pytest.mark.parametrize(
    "words",
    [
        ("run", "cells", "--out", "s", "--colour"),
        ("run", "cells"),
        ("train",),
        ("magic",),
        ("run", "cells", "--out", "s", "--preset", "huge"),
        ("run", "cells", "--out", "s", "--max-cells", "0"),
        ("run", "cells", "--out", "s", "--folds", "2"),
        ("import", "cells", "--out", "s", "--on-conflict", "ask"),
        ("report", "s", "--set", "seed=1"),
    ],
)
def test_unknown_options_and_invalid_values_end_with_2(
    words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code, printed = invoke(*words)
    assert code == 2
    assert "Traceback" not in printed
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("network.size", "network.size_px, network.widths"),
        ("network.colour=3", "section.name=value with a known name, got 'network.colour=3'"),
        ("=3", "section.name=value"),
        ("network=3", "section.name=value"),
        ("training.max_epochs=many", "training.max_epochs"),
        ("training.max_epochs=0", "training.max_epochs: Input should be greater than or equal to 1, got 0"),
        ("training.max_epochs=1.5", "training.max_epochs"),
        ("network.size_px=65", "network.size_px"),
        ("network.widths=[]", "network.widths"),
        ("loss.likelihood=poisson", "loss.likelihood"),
        ("folds=2", "folds"),
    ],
)
def test_a_wrong_setting_is_a_one_line_error_and_nothing_is_written(value: str, message: str, tmp_path: Path) -> None:
    out = tmp_path / "study"
    assert message in one_line("run", str(tmp_path), "--out", str(out), "--set", value)
    assert not out.exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--rotation-weights", "0.2;0.5"), "numbers separated by commas"),
        (("--rotation-weights", "0.2,-1"), "0 or more"),
        (("--rotation-weights", "nan"), "0 or more"),
        (("--rotation-weights", "inf"), "0 or more"),
        (("--rotation-weights", ","), "0 or more"),
        (("--networks", ","), "at least one network"),
        (
            ("--networks", "baseline,magic"),
            "no 'magic' among the networks: available are averaged_cnn, baseline, equ_hnet, faded_stn, framed_hnet,",
        ),
        (("--fold", "7"), "--fold: expected 1 to 6"),
        (("--fold", "5", "--folds", "4"), "--fold: expected 1 to 4"),
    ],
)
def test_a_wrong_list_or_fold_is_a_one_line_error_and_nothing_is_written(
    words: tuple[str, ...], message: str, tmp_path: Path
) -> None:
    out = tmp_path / "study"
    assert message in one_line("run", str(tmp_path), "--out", str(out), *words)
    assert not out.exists()


def test_lists_and_settings_are_passed_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, object] = {}

    monkeypatch.chdir(tmp_path)
    Path("cells").mkdir()

    def run(folder: Path, out: Path, **given: object) -> None:
        seen.update(given, folder=folder, out=out)

    monkeypatch.setattr("orbicyte.stages.run.run", run)
    words = ["--networks", " only_stn ,baseline,", "--rotation-weights", "0.2, 0.9", "--seed", "3", "--folds", "4"]
    values = ["--preset", "paper", "--set", "training.max_epochs=7", "--set", "network.widths=4,8", "--fold", "2"]
    code, printed = invoke("run", "cells", "--out", "study", "--device", "cuda:1", *words, *values)
    assert (code, printed) == (0, "")
    assert seen["networks"] == ["only_stn", "baseline"]
    assert seen["rotation_weights"] == [0.2, 0.9]
    assert (seen["folder"], seen["out"], seen["fold"]) == (Path("cells"), Path("study"), 2)
    assert seen["device"] == "cuda:1"
    settings = seen["settings"]
    assert isinstance(settings, Settings)
    assert (settings.preset, settings.seed, settings.folds) == ("paper", 3, 4)
    assert settings.training.max_epochs == 7
    assert settings.network.widths == (4, 8)


@pytest.mark.parametrize("folder", ["study", "images", "fit", "cells"])
@pytest.mark.parametrize("is_first", [True, False])
def test_classify_predicts_for_a_study_or_patches_of_any_name(
    folder: str, is_first: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(folder).mkdir()
    seen: list[tuple[object, ...]] = []
    monkeypatch.setattr("orbicyte.stages.classify.classify", lambda images, **given: seen.append((images, given)))
    monkeypatch.setattr(
        "orbicyte.stages.classify_study.classify_study", lambda study, run, **given: seen.append((study, run, given))
    )
    options = ["--out", "c.csv", "--device", "cpu"]
    assert invoke("classify", *([folder, *options] if is_first else [*options, folder])) == (0, "")
    of_patches = {"run": "pretrained", "out": Path("c.csv"), "mpp": None, "restandardise": False, "device": "cpu"}
    assert seen == [(Path(folder), {**of_patches, "value_range": None})]
    assert "add --out FILE.csv" in one_line("classify", folder)
    assert "give it to 'orbicyte classify-fit'" in one_line("classify", folder, *options, "--stain-copies", "1")
    assert "runs/a does not exist: expected a run folder" in one_line("classify", folder, *options, "--run", "runs/a")
    _without_runs(Path(folder))
    assert invoke("classify", folder) == (0, "")
    assert seen[1:] == [(Path(folder), None, {"restandardise": False, "stain_copies": None, "device": None})]
    assert "takes no --out" in one_line("classify", folder, *options)


def test_classify_fit_takes_a_run(trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[object, ...]] = []
    monkeypatch.setattr("orbicyte.stages.classify_fit.classify_fit", lambda *given, **more: seen.append((given, more)))
    run = next((trained / "runs").glob("*/run.json")).parent
    assert invoke("classify-fit", str(run), "--stain-copies", "2") == (0, "")
    assert seen == [((run,), {"stain_copies": 2, "device": None})]


def test_embed_takes_a_study_or_patches(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[dict[str, object]] = []
    monkeypatch.setattr(
        "orbicyte.stages.embed_images.embed_images", lambda images, **given: seen.append({"images": images, **given})
    )
    out = tmp_path / "cells.h5ad"
    run = str(next((trained / "runs").glob("*/run.json")).parent)
    assert invoke("embed", str(tmp_path), "--out", str(out)) == (0, "")
    assert invoke(
        "embed",
        str(tmp_path),
        "--out",
        str(out),
        "--model",
        run,
        "--mpp",
        "0.2",
        "--device",
        "cpu",
        "--value-range",
        "0,4095",
    ) == (0, "")
    assert seen == [
        {"images": tmp_path, "out": out, "model": "pretrained", "mpp": None, "value_range": None, "device": None},
        {"images": tmp_path, "out": out, "model": run, "mpp": 0.2, "value_range": (0, 4095), "device": "cpu"},
    ]
    assert "add --out FILE.h5ad" in one_line("embed", str(tmp_path))
    assert "with --model" in one_line("embed", str(tmp_path), "a", "--out", str(out))
    assert "takes no --model, --out or --mpp" in one_line("embed", str(trained), "--out", str(out))


@pytest.mark.parametrize(
    ("words", "run", "restandardise", "stain_copies"),
    [
        ((), None, False, None),
        (("--run", "a", "--stain-copies", "2"), "a", False, 2),
        (("--run", "pretrained", "--restandardise"), "pretrained", True, None),
    ],
)
def test_classify_predicts_for_a_study(
    words: tuple[str, ...],
    run: str | None,
    restandardise: bool,
    stain_copies: int | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[object] = []

    def classify_study(
        study: Path, run: str | None, *, restandardise: bool, stain_copies: int | None, device: str | None
    ) -> str:
        seen.append((study, run, restandardise, stain_copies))
        return "types"

    monkeypatch.setattr("orbicyte.stages.classify_study.classify_study", classify_study)
    monkeypatch.setattr(RunFolder, "record", lambda _: None)
    study = _without_runs(tmp_path)
    assert invoke("classify", *words, str(study)) == (0, "")
    assert seen == [(study, run, restandardise, stain_copies)]


def test_cut_and_count_receive_the_given_options(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[dict[str, object]] = []
    monkeypatch.setattr("orbicyte.stages.cut.cut", lambda _, **given: seen.append(given))
    study = str(_without_runs(tmp_path))
    invoke("cut", study)
    invoke("cut", study, "--mpp", "0.2", "--view-px", "64", "--border", "white", "--checked-only", "--reader", "Ada")
    names = ["mpp", "view_px", "border", "checked_only", "reader", "allow_shared_slides"]
    assert seen[0] == dict.fromkeys(names)
    assert list(seen[1].values()) == [0.2, 64, "white", True, "Ada", None]
    assert "has no slides" in one_line("count", study)


SLIDES_AND_STUDIES = ["detect", "cut", "review", "agreement", "count", "audit", "train", "experiment", "evaluate"]


@pytest.mark.parametrize(
    "words",
    [
        ("run", "none"),
        ("run", "none", "--out", "s"),
        ("run", ".", "--out", "s", "--labels", "none"),
        ("run", ".", "--out", "s", "--unlabelled", "none"),
        ("import", "none", "--out", "s"),
        ("embed", "none"),
        ("classify", "none"),
        ("classify-fit", "none"),
        ("report", "none"),
        ("detect", "none", "--out", "s"),
        ("detect", ".", "--out", "s", "--mpp-csv", "none"),
        ("detect", ".", "--out", "s", "--detector", "none"),
        ("detector", "train", "none"),
        ("export", "onnx", "none"),
        ("export", "geojson", "none"),
        ("slides", "check", "none"),
        ("slides", "check", ".", "--mpp-csv", "none"),
        *((name, "none") for name in SLIDES_AND_STUDIES if name != "detect"),
    ],
)
def test_a_mistyped_path_is_refused_before_anything_slow_is_imported(words: tuple[str, ...], tmp_path: Path) -> None:
    places = {"none": tmp_path / "none", ".": tmp_path, "s": tmp_path / "s"}
    message = refused_at_once([str(places.get(word, word)) for word in words])
    assert message.startswith(f"orbicyte: {places['none']} ")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "words",
    [
        *((name, "--networks", "baseline,none") for name in ("run", "train", "experiment")),
        *((name, "--set", "network.none=1") for name in ("run", "train", "experiment")),
        ("classify", "--run", "none"),
        ("embed", "none"),
        ("evaluate", "none"),
    ],
)
def test_a_name_that_does_not_exist_is_refused_at_once(words: tuple[str, ...], imported: Path) -> None:
    command, *others = words
    assert "none" in refused_at_once([command, str(imported), *others], "numpy")


def refused_at_once(words: list[str], *allowed: str) -> str:
    """The one line of a command that ends with code 2 in a process of its own, without slow but the allowed modules."""
    code = (
        "import sys; from typer.testing import CliRunner; from orbicyte.cli import app\n"
        f"result = CliRunner().invoke(app, {words})\n"
        f"print(result.exit_code, result.stderr.strip(), *(name for name in {SLOW} if name in sys.modules), sep='|')"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    exit_code, message, *slow = found.split("|")
    assert exit_code == "2"
    assert not {*slow} - {*allowed}
    assert "\n" not in message
    return message


@pytest.mark.parametrize(
    ("raised", "code", "message"),
    [
        (OrbicyteError("no\n  luck"), 2, "orbicyte: no luck\n"),
        (PermissionError(13, "Permission denied", "/a/b"), 2, "orbicyte: /a/b: Permission denied\n"),
        (OSError(28, "x"), 2, "orbicyte: cannot write: No space left on device; free some disk space and run again\n"),
        (
            KeyboardInterrupt(),
            130,
            "orbicyte: interrupted: finished work is kept; run the same command again to continue\n",
        ),
    ],
)
def test_an_error_that_the_user_can_fix_is_one_line(
    raised: BaseException, code: int, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise raised

    monkeypatch.setattr("orbicyte.stages.report.report", fail)
    assert invoke("report", str(_without_runs(tmp_path))) == (code, message)
    monkeypatch.setenv("LOCAL_RANK", "1")  # of several training processes only the first prints
    assert invoke("report", str(_without_runs(tmp_path))) == (code, "")


def test_a_defect_keeps_its_traceback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ValueError("defect")

    monkeypatch.setattr("orbicyte.stages.report.report", fail)
    assert isinstance(CliRunner().invoke(cli.app, ["report", str(_without_runs(tmp_path))]).exception, ValueError)


def test_all_trained_runs_are_the_default(trained: Path, tmp_path: Path) -> None:
    for command in ("embed", "evaluate"):
        code, printed = invoke(command, str(trained))
        assert code == 0
        assert printed.count("already") == 2
    assert "no trained networks" in one_line("embed", str(_without_runs(tmp_path)))
    assert "runs/magic does not exist: expected a run folder" in one_line("evaluate", str(trained), "magic")


def _without_runs(folder: Path) -> Path:
    (folder / "study.json").write_text('{"format": 1}')
    return folder
