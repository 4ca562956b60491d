"""The errors that Assay raises on purpose."""

from __future__ import annotations


class AssayError(Exception):
    """Base of every error that Assay raises on purpose.

    The message says, in lower case, what was expected, what came and what to do::

        AssayError
        ├── InputError            the request cannot be served as asked (exit 2)
        │   ├── MetricError       a metric was asked of what it cannot measure (eval)
        │   └── CalibrationError  a calibrator cannot be fitted or loaded      (eval)
        ├── UnreadableMedia       the bytes are not media we can read (exit 3)
        │   ├── LimitExceeded     readable perhaps, but larger than `Limits` allows
        │   └── WorkerFailed      the decoding process died or ran out of time
        ├── NothingToExamine      decodes, but holds nothing of the kind asked for
        ├── MissingExtra          an optional dependency is not installed
        ├── WeightsError          a model file is missing or is not what its card says
        ├── CertificateError      a key or certificate cannot be used          (provenance)
        ├── SigningError          a manifest could not be made or signed       (provenance)
        ├── RemoteError           a remote manifest was not fetched            (provenance)
        ├── MarkError             a mark could not be embedded                 (provenance)
        ├── LabelError            a label could not be written                 (provenance)
        ├── LedgerError           the public log is damaged or refuses         (provenance)
        │   └── NodeError         a chain's node does not serve                (provenance)
        ├── CorpusError           a corpus, split or index is not as expected  (datasets)
        ├── ConsentError          consent is missing, expired, revoked ...     (generate)
        ├── GenerationError       an engine could not make what was asked      (generate)
        ├── PublishError          a draft could not be published safely        (generate)
        ├── ModelError            a detector's model cannot be used            (detect)
        ├── BenchError            a benchmark cannot run as asked              (eval)
        ├── ScoreFileError        a score file cannot be examined              (eval)
        └── ExecutorError         pieces of work cannot be handed out          (eval)

    Where a wrong name or value, and no file, is at fault, a subclass of two of them tells so: `ChoiceError` (a
    `CorpusError`), `ManifestError` (a `SigningError`) and `ScoreColumnError` are `InputError` too, and exit with 2.
    """

    exit_code = 3


class InputError(AssayError):
    """The request cannot be served as asked: a missing path, a folder, a wrong option."""

    exit_code = 2


class UnreadableMedia(AssayError):
    """The bytes are not media that Assay can read."""


class LimitExceeded(UnreadableMedia):
    """The media is larger than `Limits` allows."""


class WorkerFailed(UnreadableMedia):
    """The decoding process died, ran out of memory or ran out of time on this file."""


class NothingToExamine(AssayError):
    """The media decodes but holds nothing of the kind asked for: no frame, no sample, no face."""


class MissingExtra(AssayError):
    """An optional dependency is not installed."""

    def __init__(self, feature: str, extra: str) -> None:
        """Say that `feature` needs the optional dependencies named `extra`."""
        super().__init__(f"{feature} needs the extra {extra!r}: install it with pip install 'assay[{extra}]'")
        self.extra = extra


class WeightsError(AssayError):
    """A model file is missing, or is not the file that its card describes."""
