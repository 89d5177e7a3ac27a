"""Short names for types of arrays, each defined once."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
"""Single precision, any shape: inputs and outputs of networks, intensities from 0 to 1, maps."""

Doubles = NDArray[np.float64]
"""Double precision, any shape: sums, fits and measured values."""

Flags = NDArray[np.bool_]
"""True or False, any shape."""

Rows = NDArray[np.int64]
"""(N,) row numbers, from 0: of a table, or along the first axis of an array."""

Counts = NDArray[np.integer]
"""(K,) or (K, K) numbers of cells, by type; (K, K): by label and by predicted type."""

Strings = NDArray[np.str_]
"""(N,) text, such as the type of each cell."""

Pixels = NDArray[np.uint8]
"""(H, W, 3) 8-bit RGB, row 0 on top; a batch of them is (N, H, W, 3)."""

Labels = NDArray[np.int32]
"""(H, W) the number of the object that each pixel belongs to, from 1; 0 is background."""

Points = NDArray[np.float64]
"""(N, 2) x and y, in pixels unless stated otherwise; pixel 0 spans 0 to 1, y points down."""

ComplexPoints = NDArray[np.complex64]
"""Any shape: points of the plane as complex numbers, in µm; the real part points right, the imaginary part up."""
