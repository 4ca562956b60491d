"""LFCC-GMM: one Gaussian mixture for spoof frames, one for bona fide ones; a clip's score is the mean log ratio.

The baseline of the ASVspoof challenges since 2015 (Sahidullah, Kinnunen, Hanilci, Interspeech 2015). scikit-learn fits
the mixtures; here they are only evaluated, as two matrix products, so that they export like any other network.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from ....datasets.corpus import CorpusError
from .interface import Network

if TYPE_CHECKING:
    from numpy.typing import NDArray

COMPONENTS = 512
"""Of each mixture, as in the challenges' baseline."""
_FRAMES = 200_000
"""Frames of each class that the mixtures are fitted to, drawn evenly: more change little and take hours."""


class Mixture(nn.Module):
    """A Gaussian mixture with diagonal covariances, over rows of `width`."""

    def __init__(self, components: int, width: int) -> None:
        """Make an unfitted mixture."""
        super().__init__()
        self.register_buffer("square", torch.zeros(width, components))
        self.register_buffer("linear", torch.zeros(width, components))
        self.register_buffer("constant", torch.zeros(components))
        self.register_buffer("centre", torch.zeros(width))

    def set(self, weights: NDArray[np.float64], means: NDArray[np.float64], variances: NDArray[np.float64]) -> None:
        """Take over `weights` `[k]`, `means` and `variances` `[k, width]`."""
        centre = weights @ means
        means = means - centre  # without it, squares of large means cancel in single precision
        precision = 1 / variances
        logs = np.log(2 * np.pi * variances).sum(axis=1) + (means**2 * precision).sum(axis=1)
        for name, value in (
            ("square", -0.5 * precision.T),
            ("linear", (means * precision).T),
            ("constant", np.log(weights) - 0.5 * logs),
            ("centre", centre),
        ):
            self.get_buffer(name).copy_(torch.from_numpy(np.asarray(value)))

    def forward(self, rows: Tensor) -> Tensor:
        """Return the natural log density of each row of `rows` `[..., width]`, `[...]`."""
        moved = rows - self.get_buffer("centre")
        each = (moved * moved) @ self.get_buffer("square") + moved @ self.get_buffer("linear")
        return torch.logsumexp(each + self.get_buffer("constant"), dim=-1)


class LfccGmm(Network):
    """LFCC `[batch, rows, 60]` to each mixture's mean log density: logits in all but name."""

    FRONTEND: ClassVar[str] = "lfcc"
    PAPER: ClassVar[str] = "Sahidullah, Kinnunen, Hanilci: Features for synthetic speech detection, Interspeech 2015"

    def __init__(self, components: int = COMPONENTS) -> None:
        """Make the network, unfitted."""
        super().__init__()
        self.components = components
        self.spoof = Mixture(components, 60)
        self.bona_fide = Mixture(components, 60)

    def forward(self, features: Tensor) -> Tensor:
        """Return the logits."""
        both = [self.spoof(features).mean(dim=1), self.bona_fide(features).mean(dim=1)]
        return torch.stack(both, dim=1)

    def fit(self, rows: NDArray[np.float32], spoof: NDArray[np.bool_], *, seed: int) -> LfccGmm:
        """Fit both mixtures to `rows` `[n, 60]`, of which `spoof` `[n]` tells the class, and return the network.

        Raises `CorpusError` if a class has fewer rows than twice the components.
        """
        rng = np.random.default_rng(seed)
        for mixture, own in ((self.spoof, rows[spoof]), (self.bona_fide, rows[~spoof])):
            if len(own) < 2 * self.components:
                msg = f"expected at least {2 * self.components} frames of each class, got {len(own)}"
                raise CorpusError(msg)
            mixture.set(*self._fitted(own[rng.permutation(len(own))[:_FRAMES]], seed))
        return self

    def _fitted(
        self, rows: NDArray[np.float32], seed: int
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Return weights, means and variances of a mixture fitted to `rows`."""
        import warnings

        from sklearn.exceptions import ConvergenceWarning
        from sklearn.mixture import GaussianMixture

        model = GaussianMixture(
            self.components,
            covariance_type="diag",
            max_iter=30,
            reg_covar=1e-4,
            init_params="kmeans",
            random_state=seed,
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # thirty rounds are the baseline's own
            model.fit(rows.astype(np.float64))
        return model.weights_, model.means_, model.covariances_
