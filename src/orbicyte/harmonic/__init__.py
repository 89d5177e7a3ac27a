"""Harmonic convolutions (Worrall et al. 2017; paper 2.3): layers whose features are equivariant or
invariant to rotations of the input.

The package imports nothing else of orbicyte.

>>> HarmonicConv2d("3x0", "16x0 + 8x2")
HarmonicConv2d(3x0 -> 16x0 + 8x2)
"""

from orbicyte.harmonic.activation import MagnitudeReLU
from orbicyte.harmonic.blur import GaussianBlur2d
from orbicyte.harmonic.conv import HarmonicConv2d
from orbicyte.harmonic.equivariance import assert_equivariant, equivariance_error
from orbicyte.harmonic.fields import Fields
from orbicyte.harmonic.filters import Rings
from orbicyte.harmonic.fourier import FourierReLU
from orbicyte.harmonic.gate import MagnitudeGate
from orbicyte.harmonic.magnitude import MagnitudeNonlinearity, norm_and_gate
from orbicyte.harmonic.norm import HarmonicBatchNorm2d
from orbicyte.harmonic.pool import AveragePool2d
from orbicyte.harmonic.read_out import InvariantMean
from orbicyte.harmonic.relu import HarmonicReLU
from orbicyte.harmonic.residual import HarmonicResidualBlock
from orbicyte.harmonic.sequential import HarmonicSequential

__all__ = [
    "AveragePool2d",
    "Fields",
    "FourierReLU",
    "GaussianBlur2d",
    "HarmonicBatchNorm2d",
    "HarmonicConv2d",
    "HarmonicReLU",
    "HarmonicResidualBlock",
    "HarmonicSequential",
    "InvariantMean",
    "MagnitudeGate",
    "MagnitudeNonlinearity",
    "MagnitudeReLU",
    "Rings",
    "assert_equivariant",
    "equivariance_error",
    "norm_and_gate",
]
