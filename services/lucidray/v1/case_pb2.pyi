import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Priority(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PRIORITY_UNSPECIFIED: _ClassVar[Priority]
    PRIORITY_ROUTINE: _ClassVar[Priority]
    PRIORITY_URGENT: _ClassVar[Priority]

class OnFailure(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ON_FAILURE_UNSPECIFIED: _ClassVar[OnFailure]
    ON_FAILURE_PARK: _ClassVar[OnFailure]
    ON_FAILURE_SKIP: _ClassVar[OnFailure]

class Outcome(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    OUTCOME_UNSPECIFIED: _ClassVar[Outcome]
    OUTCOME_DONE: _ClassVar[Outcome]
    OUTCOME_SKIPPED: _ClassVar[Outcome]

class Zone(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ZONE_UNSPECIFIED: _ClassVar[Zone]
    ZONE_CLINICAL: _ClassVar[Zone]
    ZONE_ANALYSIS: _ClassVar[Zone]

class Severity(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SEVERITY_UNSPECIFIED: _ClassVar[Severity]
    SEVERITY_INFO: _ClassVar[Severity]
    SEVERITY_WARNING: _ClassVar[Severity]
PRIORITY_UNSPECIFIED: Priority
PRIORITY_ROUTINE: Priority
PRIORITY_URGENT: Priority
ON_FAILURE_UNSPECIFIED: OnFailure
ON_FAILURE_PARK: OnFailure
ON_FAILURE_SKIP: OnFailure
OUTCOME_UNSPECIFIED: Outcome
OUTCOME_DONE: Outcome
OUTCOME_SKIPPED: Outcome
ZONE_UNSPECIFIED: Zone
ZONE_CLINICAL: Zone
ZONE_ANALYSIS: Zone
SEVERITY_UNSPECIFIED: Severity
SEVERITY_INFO: Severity
SEVERITY_WARNING: Severity

class PinnedBundle(_message.Message):
    __slots__ = ("name", "digest")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    name: str
    digest: str
    def __init__(self, name: _Optional[str] = ..., digest: _Optional[str] = ...) -> None: ...

class SlipEntry(_message.Message):
    __slots__ = ("step", "algorithm_version", "parameters", "on_failure", "bundles")
    STEP_FIELD_NUMBER: _ClassVar[int]
    ALGORITHM_VERSION_FIELD_NUMBER: _ClassVar[int]
    PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    ON_FAILURE_FIELD_NUMBER: _ClassVar[int]
    BUNDLES_FIELD_NUMBER: _ClassVar[int]
    step: str
    algorithm_version: str
    parameters: str
    on_failure: OnFailure
    bundles: _containers.RepeatedCompositeFieldContainer[PinnedBundle]
    def __init__(self, step: _Optional[str] = ..., algorithm_version: _Optional[str] = ..., parameters: _Optional[str] = ..., on_failure: _Optional[_Union[OnFailure, str]] = ..., bundles: _Optional[_Iterable[_Union[PinnedBundle, _Mapping]]] = ...) -> None: ...

class HistoryEntry(_message.Message):
    __slots__ = ("entry", "step_key", "zone", "outcome", "finished_at", "seconds")
    ENTRY_FIELD_NUMBER: _ClassVar[int]
    STEP_KEY_FIELD_NUMBER: _ClassVar[int]
    ZONE_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    FINISHED_AT_FIELD_NUMBER: _ClassVar[int]
    SECONDS_FIELD_NUMBER: _ClassVar[int]
    entry: SlipEntry
    step_key: str
    zone: Zone
    outcome: Outcome
    finished_at: _timestamp_pb2.Timestamp
    seconds: float
    def __init__(self, entry: _Optional[_Union[SlipEntry, _Mapping]] = ..., step_key: _Optional[str] = ..., zone: _Optional[_Union[Zone, str]] = ..., outcome: _Optional[_Union[Outcome, str]] = ..., finished_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., seconds: _Optional[float] = ...) -> None: ...

class QualityFlag(_message.Message):
    __slots__ = ("step", "code", "message", "severity")
    STEP_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    SEVERITY_FIELD_NUMBER: _ClassVar[int]
    step: str
    code: str
    message: str
    severity: Severity
    def __init__(self, step: _Optional[str] = ..., code: _Optional[str] = ..., message: _Optional[str] = ..., severity: _Optional[_Union[Severity, str]] = ...) -> None: ...

class Predecessor(_message.Message):
    __slots__ = ("case_id", "step_key")
    CASE_ID_FIELD_NUMBER: _ClassVar[int]
    STEP_KEY_FIELD_NUMBER: _ClassVar[int]
    case_id: str
    step_key: str
    def __init__(self, case_id: _Optional[str] = ..., step_key: _Optional[str] = ...) -> None: ...

class Case(_message.Message):
    __slots__ = ("case_id", "study_key", "study_version", "patient_key", "workflow", "workflow_digest", "priority", "traceparent", "opened_at", "generation", "attempt", "slip", "history", "quality", "run", "failing_since", "predecessor")
    CASE_ID_FIELD_NUMBER: _ClassVar[int]
    STUDY_KEY_FIELD_NUMBER: _ClassVar[int]
    STUDY_VERSION_FIELD_NUMBER: _ClassVar[int]
    PATIENT_KEY_FIELD_NUMBER: _ClassVar[int]
    WORKFLOW_FIELD_NUMBER: _ClassVar[int]
    WORKFLOW_DIGEST_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    TRACEPARENT_FIELD_NUMBER: _ClassVar[int]
    OPENED_AT_FIELD_NUMBER: _ClassVar[int]
    GENERATION_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    SLIP_FIELD_NUMBER: _ClassVar[int]
    HISTORY_FIELD_NUMBER: _ClassVar[int]
    QUALITY_FIELD_NUMBER: _ClassVar[int]
    RUN_FIELD_NUMBER: _ClassVar[int]
    FAILING_SINCE_FIELD_NUMBER: _ClassVar[int]
    PREDECESSOR_FIELD_NUMBER: _ClassVar[int]
    case_id: str
    study_key: str
    study_version: int
    patient_key: str
    workflow: str
    workflow_digest: str
    priority: Priority
    traceparent: str
    opened_at: _timestamp_pb2.Timestamp
    generation: int
    attempt: int
    slip: _containers.RepeatedCompositeFieldContainer[SlipEntry]
    history: _containers.RepeatedCompositeFieldContainer[HistoryEntry]
    quality: _containers.RepeatedCompositeFieldContainer[QualityFlag]
    run: int
    failing_since: _timestamp_pb2.Timestamp
    predecessor: Predecessor
    def __init__(self, case_id: _Optional[str] = ..., study_key: _Optional[str] = ..., study_version: _Optional[int] = ..., patient_key: _Optional[str] = ..., workflow: _Optional[str] = ..., workflow_digest: _Optional[str] = ..., priority: _Optional[_Union[Priority, str]] = ..., traceparent: _Optional[str] = ..., opened_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., generation: _Optional[int] = ..., attempt: _Optional[int] = ..., slip: _Optional[_Iterable[_Union[SlipEntry, _Mapping]]] = ..., history: _Optional[_Iterable[_Union[HistoryEntry, _Mapping]]] = ..., quality: _Optional[_Iterable[_Union[QualityFlag, _Mapping]]] = ..., run: _Optional[int] = ..., failing_since: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., predecessor: _Optional[_Union[Predecessor, _Mapping]] = ...) -> None: ...
