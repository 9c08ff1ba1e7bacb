"""What an installation may say about the results it writes."""

from typing import ClassVar

from pydantic import Field

from lucidray.core.settings import Section


class EncodeSettings(Section):
    """Settings of the encode step."""

    section: ClassVar[str] = "encode"

    device_serial_number: str = Field(
        "1", description="DeviceSerialNumber of this installation, printed on every result", min_length=1, max_length=64
    )
