"""Where the objects lie."""

from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import Field

from lucidray.core.settings import CoreSettings, Section
from lucidray.store.base import ObjectStore
from lucidray.store.folder import FolderStore
from lucidray.v1.case_pb2 import Zone


class StoreSettings(Section):
    """Object stores of the two zones."""

    section: ClassVar[str] = "store"

    kind: Literal["folder", "s3"] = Field("folder", description="Files in a folder, or buckets of an S3 service")
    clinical_folder: Path | None = Field(None, description="Default <core.data>/clinical")
    analysis_folder: Path | None = Field(None, description="Default <core.data>/analysis")
    clinical_bucket: str = Field("lucidray-clinical", description="Bucket of identified objects")
    analysis_bucket: str = Field("lucidray-analysis", description="Bucket of de-identified objects")
    endpoint: str = Field("", description="URL of the S3 service; empty: AWS")
    region: str = Field("us-east-1", description="Region of the S3 service")
    access_key_id_file: Path | None = Field(None, description="File with the access key id; default: environment")
    secret_access_key_file: Path | None = Field(None, description="File with the secret access key")


def open_store(zone: Zone, settings: StoreSettings | None = None) -> ObjectStore:
    """The store of one zone, as the settings say."""
    settings = settings or StoreSettings.load()
    clinical = zone == Zone.ZONE_CLINICAL
    if settings.kind == "folder":
        data = CoreSettings.load().data
        if clinical:
            return FolderStore(settings.clinical_folder or data / "clinical")
        return FolderStore(settings.analysis_folder or data / "analysis")
    return _open_bucket(settings, settings.clinical_bucket if clinical else settings.analysis_bucket)


def _open_bucket(settings: StoreSettings, bucket: str) -> ObjectStore:
    from obstore.store import S3Store as Client

    from lucidray.store.s3 import S3Store

    options: dict[str, Any] = {"region": settings.region}
    if settings.endpoint:
        options["endpoint"] = settings.endpoint
    if settings.access_key_id_file and settings.secret_access_key_file:
        options["access_key_id"] = settings.access_key_id_file.read_text().strip()
        options["secret_access_key"] = settings.secret_access_key_file.read_text().strip()
    plain = settings.endpoint.startswith("http://")
    return S3Store(Client(bucket, client_options={"allow_http": plain}, **options), bucket)
