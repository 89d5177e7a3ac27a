"""The two shipped sets of sizes and budgets. Every other setting has its default from ``orbicyte.settings``."""

from orbicyte.errors import OrbicyteError
from orbicyte.settings import NetworkSettings, Settings, TrainingSettings


def quick() -> Settings:
    """64 px and small networks: trains in minutes on two cores with a few thousand cells."""
    return Settings(
        preset="quick",
        network=NetworkSettings(
            size_px=64,
            widths=(16, 32, 64, 128),
            blocks=1,
            pose_widths=(8, 16, 32),
            harmonic_widths=(16, 24, 48, 96),
            framed_widths=(16, 32, 64),
        ),
        training=TrainingSettings(batch_size=32, max_epochs=40, patience=8, learning_rate=1e-3),
    )


def paper() -> Settings:
    """The paper's protocol at its image size: 256 px, trained until early stopping; for a GPU."""
    return Settings(
        preset="paper",
        network=NetworkSettings(
            size_px=256,
            widths=(32, 64, 128, 256, 256, 256),
            blocks=2,
            pose_widths=(16, 32, 64, 64, 64),
            harmonic_widths=(32, 64, 128, 256, 256),
            framed_widths=(32, 64, 128, 256, 256),
            harmonic_kernel_px=7,
        ),
        training=TrainingSettings(
            batch_size=64, max_epochs=500, patience=20, learning_rate=3e-4, precision="bf16-mixed"
        ),
    )


PAPER_NETWORKS = ("baseline", "only_stn", "inv_hnet", "equ_hnet")
"""The paper's networks."""
RECOMMENDED = ("baseline", "framed_hnet")
"""The networks that are trained by default: the paper's baseline, and the network that is invariant and descriptive."""
ROTATION_WEIGHTS = (0.2, 0.5, 0.9)
"""The paper's weights of the rotation loss, w in [0.2, 0.5, 0.9] (2.4)."""

PRESETS = {"quick": quick, "paper": paper}


def preset(name: str) -> Settings:
    """The settings of the preset ``name``. Raises ``OrbicyteError`` with the available presets."""
    if name not in PRESETS:
        raise OrbicyteError(f"no preset {name!r}: available are {', '.join(PRESETS)}")
    return PRESETS[name]()
