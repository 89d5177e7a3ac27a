"""The patches of a study at the size of a network, which may have been trained on others."""

from dataclasses import dataclass

import numpy as np

from orbicyte.arrays import Pixels, Rows
from orbicyte.data.folds import training_fold
from orbicyte.data.patches import PatchStore
from orbicyte.embedding import Embedder


@dataclass(frozen=True)
class NetworkPatches:
    """The patches of ``store`` as the network of ``embedder`` takes them.

    ``is_foreign``: the network was trained on other patches, such as the shipped one. Then the stored patches are
    cropped to their view, with the network's own margin, and scaled by ``embedder.prepare``.
    """

    store: PatchStore
    embedder: Embedder
    is_foreign: bool

    def __len__(self) -> int:
        return len(self.store)

    def __getitem__(self, rows: Rows | slice) -> Pixels:
        """The patches of these rows of the store: (n, side_px, side_px, 3) of the network's size."""
        images: Pixels = self.store.images[rows]
        if not self.is_foreign:
            return images
        view, store = self.embedder.view, self.store
        side = min(round(store.view_px * view.side_px / view.view_px), store.side_px)
        start = (store.side_px - side) // 2
        central = images[:, start : start + side, start : start + side]
        return self.embedder.prepare(central, store.mpp)

    def unseen(self) -> Rows:
        """Rows of the labelled cells that the network was not trained on.

        If no cell of a study is unlabelled, its networks were trained on labelled ones, which they reconstruct better.
        """
        if self.is_foreign:
            return self.store.labelled
        record = self.embedder.record
        return np.setdiff1d(self.store.labelled, training_fold(self.store, record.settings, record.fold).train)
