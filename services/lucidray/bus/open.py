"""Open the bus that the settings name."""

from lucidray.bus.base import Bus
from lucidray.bus.settings import BusSettings
from lucidray.core.errors import Permanent


def open_bus(settings: BusSettings | None = None) -> Bus:
    """The bus of this deployment.

    Parameters
    ----------
    settings
        Default: section ``bus`` of the configuration.

    Raises
    ------
    Permanent
        A setting is wrong, or the library for Kafka is not installed.
    Transient
        The bus cannot be reached.
    """
    settings = settings or BusSettings.load()
    if settings.kind == "sqlite":
        from lucidray.bus.sqlite import SqliteBus

        return SqliteBus(settings.file(), lease=settings.lease_seconds, retention_days=settings.retention_days)
    try:
        # Imported here: one machine needs no Kafka library.
        from lucidray.bus.kafka import KafkaBus
    except ModuleNotFoundError as error:
        raise Permanent(
            "bus", f"the Python package {error.name} is not installed", "install lucidray[kafka]"
        ) from error
    return KafkaBus(settings)
