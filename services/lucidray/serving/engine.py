"""Engines that run a bundle's network."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import onnxruntime

from lucidray.core.errors import Permanent
from lucidray.serving.bundle import MODEL, Bundle
from lucidray.serving.settings import ServingSettings

Floats = npt.NDArray[np.float32]
_ERRORS_ONLY = 3  # onnxruntime's severity
_CACHED = 8  # networks kept in a worker


class Engine(Protocol):
    """A loaded network."""

    @property
    def inputs(self) -> Sequence[str]:
        """Names of the network's inputs, in order."""
        ...

    @property
    def outputs(self) -> Sequence[str]:
        """Names of the network's outputs, in order."""
        ...

    def run(self, feeds: Mapping[str, npt.NDArray[Any]]) -> dict[str, npt.NDArray[Any]]:
        """All outputs, by name.

        Raises
        ------
        Permanent
            The network does not accept the feeds.
        """
        ...


class OnnxRuntimeEngine:
    """onnxruntime in this process."""

    def __init__(self, model: bytes, settings: ServingSettings, thing: str = "model") -> None:
        """Load a network.

        Raises
        ------
        Permanent
            The provider that was asked for is not there, or the network does not load.
        """
        self._thing = thing
        there = onnxruntime.get_available_providers()
        if settings.provider not in there:
            raise _no_provider(settings.provider, f"this onnxruntime has only {', '.join(there)}")
        options = onnxruntime.SessionOptions()
        options.log_severity_level = _ERRORS_ONLY
        options.intra_op_num_threads = settings.threads
        try:
            self._session = onnxruntime.InferenceSession(model, options, providers=[settings.provider])
        except Exception as error:  # onnxruntime's exceptions have no common base, and their text may quote paths
            raise Permanent(
                thing, f"onnxruntime does not load it ({type(error).__name__})", "pack the bundle again from lab"
            ) from None
        # onnxruntime falls back to the CPU without a word when a provider fails to start.
        active = self._session.get_providers()[0]
        if active != settings.provider:
            raise _no_provider(settings.provider, f"onnxruntime fell back to {active}")

    @property
    def inputs(self) -> Sequence[str]:
        return [each.name for each in self._session.get_inputs()]

    @property
    def outputs(self) -> Sequence[str]:
        return [each.name for each in self._session.get_outputs()]

    def run(self, feeds: Mapping[str, npt.NDArray[Any]]) -> dict[str, npt.NDArray[Any]]:
        try:
            results = self._session.run(None, dict(feeds))
        except Exception as error:  # see above
            shapes = ", ".join(f"{name} {array.dtype} {array.shape}" for name, array in feeds.items())
            raise Permanent(
                self._thing,
                f"onnxruntime fails on {shapes} ({type(error).__name__})",
                "check the bundle's inputs and grid against its network",
            ) from None
        return dict(zip(self.outputs, results, strict=True))


def open_engine(bundle: Bundle, file: str = MODEL, settings: ServingSettings | None = None) -> Engine:
    """The engine of a network in a bundle, loaded once per process and bundle digest.

    Raises
    ------
    Permanent
        The file is not the one that was packed, does not load, or the provider is not there.
    """
    settings = settings or ServingSettings.load()
    return _load(_Key(bundle, file), settings)


class _Key:
    """A network of a bundle, equal by what is in it rather than by where it lies."""

    def __init__(self, bundle: Bundle, file: str) -> None:
        self.bundle, self.file = bundle, file

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Key) and (self.bundle.digest, self.file) == (other.bundle.digest, other.file)

    def __hash__(self) -> int:
        return hash((self.bundle.digest, self.file))


@lru_cache(_CACHED)
def _load(key: _Key, settings: ServingSettings) -> Engine:
    thing = f"bundle '{key.bundle.name}', file {key.file}"
    return OnnxRuntimeEngine(key.bundle.read(key.file), settings, thing)


def _no_provider(provider: str, cause: str) -> Permanent:
    return Permanent(
        f"execution provider {provider}",
        cause,
        "install the extra that has it (`gpu` instead of `onnx`, never both) or change serving.provider",
    )
