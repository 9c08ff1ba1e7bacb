"""Where results go."""

from typing import Annotated, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from lucidray.core.settings import Section

AETitle = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=16)]


class Destination(BaseModel):
    """One DICOM node that receives results."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(description="By which workflows, receipts and messages know it; never give it to another node")
    host: str
    port: int = Field(ge=1, le=65535)
    called_ae_title: AETitle = Field(description="AE title of the node")
    calling_ae_title: AETitle = Field("LUCIDRAY", description="Our AE title, as the node knows us")
    kinds: tuple[str, ...] | None = Field(
        None, description="Only these kinds of results, e.g. ['SR'] for a node that stores no SEG; default: all"
    )
    verify_patient: bool = Field(
        False, description="Ask the node by C-FIND whether the study is the same patient's there before storing"
    )
    timeout_seconds: float = Field(30, gt=0, description="For connecting, and for each answer of the node")
    enabled: bool = True


class DeliverSettings(Section):
    """Settings of the deliver step."""

    section: ClassVar[str] = "deliver"

    destinations: tuple[Destination, ...] = Field((), description="Nodes that may receive results")
    database_url: str = Field("", description="SQLAlchemy URL of the receipts; empty: <core.data>/deliver.db")

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        names = [destination.name for destination in self.destinations]
        if len(set(names)) < len(names):
            raise ValueError("two destinations have the same name")
        return self
