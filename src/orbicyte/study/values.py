"""Types of the values in the study's records, with their ranges: everything is finite, and bounded in memory."""

from typing import Annotated

from pydantic import Field

Text = Annotated[str, Field(max_length=10_000, pattern=r"^[^\x00]*$")]
"""Text that can be a part of a path."""
Count = Annotated[int, Field(ge=0, lt=2**63)]
Side = Annotated[int, Field(gt=0, lt=2**31)]
"""A side in pixels."""
Start = Annotated[int, Field(ge=0, lt=2**31)]
"""Where a rectangle begins, in pixels."""
LARGEST_PATCH_PX = 2048
PatchSide = Annotated[int, Field(gt=0, le=LARGEST_PATCH_PX)]
"""The side of a stored patch: one takes 13 MB at the largest, and 50 MB as floats."""
Finite = Annotated[float, Field(allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Intensity = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Mpp = Annotated[float, Field(gt=0, le=1000, allow_inf_nan=False)]
"""µm per pixel."""
