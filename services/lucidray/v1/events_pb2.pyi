import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from lucidray.v1 import case_pb2 as _case_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CaseState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CASE_STATE_UNSPECIFIED: _ClassVar[CaseState]
    CASE_STATE_COLLECTING: _ClassVar[CaseState]
    CASE_STATE_RUNNING: _ClassVar[CaseState]
    CASE_STATE_RETRYING: _ClassVar[CaseState]
    CASE_STATE_PARKED: _ClassVar[CaseState]
    CASE_STATE_HELD: _ClassVar[CaseState]
    CASE_STATE_UNMATCHED: _ClassVar[CaseState]
    CASE_STATE_REFUSED: _ClassVar[CaseState]
    CASE_STATE_QUARANTINED: _ClassVar[CaseState]
    CASE_STATE_COMPLETED: _ClassVar[CaseState]
    CASE_STATE_CANCELLED: _ClassVar[CaseState]
    CASE_STATE_SUPERSEDED: _ClassVar[CaseState]

class CommandKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    COMMAND_KIND_UNSPECIFIED: _ClassVar[CommandKind]
    COMMAND_KIND_RETRY: _ClassVar[CommandKind]
    COMMAND_KIND_CANCEL: _ClassVar[CommandKind]
    COMMAND_KIND_RELEASE: _ClassVar[CommandKind]
CASE_STATE_UNSPECIFIED: CaseState
CASE_STATE_COLLECTING: CaseState
CASE_STATE_RUNNING: CaseState
CASE_STATE_RETRYING: CaseState
CASE_STATE_PARKED: CaseState
CASE_STATE_HELD: CaseState
CASE_STATE_UNMATCHED: CaseState
CASE_STATE_REFUSED: CaseState
CASE_STATE_QUARANTINED: CaseState
CASE_STATE_COMPLETED: CaseState
CASE_STATE_CANCELLED: CaseState
CASE_STATE_SUPERSEDED: CaseState
COMMAND_KIND_UNSPECIFIED: CommandKind
COMMAND_KIND_RETRY: CommandKind
COMMAND_KIND_CANCEL: CommandKind
COMMAND_KIND_RELEASE: CommandKind

class StoredInstance(_message.Message):
    __slots__ = ("instance_key", "byte_digest", "object_key", "size_bytes", "conflicting")
    INSTANCE_KEY_FIELD_NUMBER: _ClassVar[int]
    BYTE_DIGEST_FIELD_NUMBER: _ClassVar[int]
    OBJECT_KEY_FIELD_NUMBER: _ClassVar[int]
    SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
    CONFLICTING_FIELD_NUMBER: _ClassVar[int]
    instance_key: str
    byte_digest: str
    object_key: str
    size_bytes: int
    conflicting: bool
    def __init__(self, instance_key: _Optional[str] = ..., byte_digest: _Optional[str] = ..., object_key: _Optional[str] = ..., size_bytes: _Optional[int] = ..., conflicting: _Optional[bool] = ...) -> None: ...

class InstancesStored(_message.Message):
    __slots__ = ("event_id", "gateway_id", "study_key", "accepted_at", "instances")
    EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    GATEWAY_ID_FIELD_NUMBER: _ClassVar[int]
    STUDY_KEY_FIELD_NUMBER: _ClassVar[int]
    ACCEPTED_AT_FIELD_NUMBER: _ClassVar[int]
    INSTANCES_FIELD_NUMBER: _ClassVar[int]
    event_id: str
    gateway_id: str
    study_key: str
    accepted_at: _timestamp_pb2.Timestamp
    instances: _containers.RepeatedCompositeFieldContainer[StoredInstance]
    def __init__(self, event_id: _Optional[str] = ..., gateway_id: _Optional[str] = ..., study_key: _Optional[str] = ..., accepted_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., instances: _Optional[_Iterable[_Union[StoredInstance, _Mapping]]] = ...) -> None: ...

class Watermark(_message.Message):
    __slots__ = ("gateway_id", "accepted_before")
    GATEWAY_ID_FIELD_NUMBER: _ClassVar[int]
    ACCEPTED_BEFORE_FIELD_NUMBER: _ClassVar[int]
    gateway_id: str
    accepted_before: _timestamp_pb2.Timestamp
    def __init__(self, gateway_id: _Optional[str] = ..., accepted_before: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class IntakeEvent(_message.Message):
    __slots__ = ("stored", "watermark")
    STORED_FIELD_NUMBER: _ClassVar[int]
    WATERMARK_FIELD_NUMBER: _ClassVar[int]
    stored: InstancesStored
    watermark: Watermark
    def __init__(self, stored: _Optional[_Union[InstancesStored, _Mapping]] = ..., watermark: _Optional[_Union[Watermark, _Mapping]] = ...) -> None: ...

class LedgerEvent(_message.Message):
    __slots__ = ("event_id", "at", "case_id", "study_key", "study_version", "workflow", "state", "step", "next_step", "thing", "cause", "remedy", "summary", "finished", "quality", "slip", "generation", "patient_key", "priority", "skipped")
    class SummaryEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    AT_FIELD_NUMBER: _ClassVar[int]
    CASE_ID_FIELD_NUMBER: _ClassVar[int]
    STUDY_KEY_FIELD_NUMBER: _ClassVar[int]
    STUDY_VERSION_FIELD_NUMBER: _ClassVar[int]
    WORKFLOW_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    STEP_FIELD_NUMBER: _ClassVar[int]
    NEXT_STEP_FIELD_NUMBER: _ClassVar[int]
    THING_FIELD_NUMBER: _ClassVar[int]
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    REMEDY_FIELD_NUMBER: _ClassVar[int]
    SUMMARY_FIELD_NUMBER: _ClassVar[int]
    FINISHED_FIELD_NUMBER: _ClassVar[int]
    QUALITY_FIELD_NUMBER: _ClassVar[int]
    SLIP_FIELD_NUMBER: _ClassVar[int]
    GENERATION_FIELD_NUMBER: _ClassVar[int]
    PATIENT_KEY_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    SKIPPED_FIELD_NUMBER: _ClassVar[int]
    event_id: str
    at: _timestamp_pb2.Timestamp
    case_id: str
    study_key: str
    study_version: int
    workflow: str
    state: CaseState
    step: str
    next_step: str
    thing: str
    cause: str
    remedy: str
    summary: _containers.ScalarMap[str, str]
    finished: _case_pb2.HistoryEntry
    quality: _containers.RepeatedCompositeFieldContainer[_case_pb2.QualityFlag]
    slip: _containers.RepeatedScalarFieldContainer[str]
    generation: int
    patient_key: str
    priority: _case_pb2.Priority
    skipped: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, event_id: _Optional[str] = ..., at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., case_id: _Optional[str] = ..., study_key: _Optional[str] = ..., study_version: _Optional[int] = ..., workflow: _Optional[str] = ..., state: _Optional[_Union[CaseState, str]] = ..., step: _Optional[str] = ..., next_step: _Optional[str] = ..., thing: _Optional[str] = ..., cause: _Optional[str] = ..., remedy: _Optional[str] = ..., summary: _Optional[_Mapping[str, str]] = ..., finished: _Optional[_Union[_case_pb2.HistoryEntry, _Mapping]] = ..., quality: _Optional[_Iterable[_Union[_case_pb2.QualityFlag, _Mapping]]] = ..., slip: _Optional[_Iterable[str]] = ..., generation: _Optional[int] = ..., patient_key: _Optional[str] = ..., priority: _Optional[_Union[_case_pb2.Priority, str]] = ..., skipped: _Optional[_Iterable[str]] = ...) -> None: ...

class CaseReturned(_message.Message):
    __slots__ = ("event_id", "case", "state", "step", "thing", "cause", "remedy")
    EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    CASE_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    STEP_FIELD_NUMBER: _ClassVar[int]
    THING_FIELD_NUMBER: _ClassVar[int]
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    REMEDY_FIELD_NUMBER: _ClassVar[int]
    event_id: str
    case: _case_pb2.Case
    state: CaseState
    step: str
    thing: str
    cause: str
    remedy: str
    def __init__(self, event_id: _Optional[str] = ..., case: _Optional[_Union[_case_pb2.Case, _Mapping]] = ..., state: _Optional[_Union[CaseState, str]] = ..., step: _Optional[str] = ..., thing: _Optional[str] = ..., cause: _Optional[str] = ..., remedy: _Optional[str] = ...) -> None: ...

class CaseCommand(_message.Message):
    __slots__ = ("command_id", "kind", "case_id", "from_step", "recompute", "actor", "reason")
    COMMAND_ID_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    CASE_ID_FIELD_NUMBER: _ClassVar[int]
    FROM_STEP_FIELD_NUMBER: _ClassVar[int]
    RECOMPUTE_FIELD_NUMBER: _ClassVar[int]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    command_id: str
    kind: CommandKind
    case_id: str
    from_step: str
    recompute: bool
    actor: str
    reason: str
    def __init__(self, command_id: _Optional[str] = ..., kind: _Optional[_Union[CommandKind, str]] = ..., case_id: _Optional[str] = ..., from_step: _Optional[str] = ..., recompute: _Optional[bool] = ..., actor: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...
