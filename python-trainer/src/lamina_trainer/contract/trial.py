"""The contract with the scheduler: requests, events and results, as in domain/contract/trial.ts and result.ts."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

from pydantic import Field

from lamina_trainer.contract.document import (
    Bytes,
    Count,
    Document,
    Integer,
    PhaseName,
    Positive,
    ResolvedDtype,
    Seconds,
    Text,
    Timestamp,
)
from lamina_trainer.contract.settings import GgufType, Plan, TrialSettings

Share = Annotated[float, Field(ge=0, le=1)]
NotNegative = Annotated[float, Field(ge=0)]


class TrialPaths(Document):
    """Folders of an attempt."""

    output: str
    checkpoints: str
    cache: str


class TrialRequest(Document):
    """What an attempt is asked to do."""

    contract: Literal["lamina/v1"]
    experiment_id: str
    trial_id: str
    attempt: Positive
    attempt_id: str
    settings: TrialSettings
    plan: Plan
    resume: bool
    paths: TrialPaths
    events_url: str | None


class _Event(Document):
    seq: Positive
    at: Timestamp


class PhaseEvent(_Event):
    """A phase was entered."""

    type: Literal["phase"] = "phase"
    phase: PhaseName


class StepEvent(_Event):
    """An optimizer step was made."""

    type: Literal["step"] = "step"
    step: Positive
    steps: Positive
    loss: float | None
    learning_rate: float
    grad_norm: float | None
    step_seconds: Seconds
    tokens_per_second: Annotated[float, Field(ge=0)]
    memory_bytes: Bytes | None


class EvaluationEvent(_Event):
    """An evaluation was finished."""

    type: Literal["evaluation"] = "evaluation"
    stage: Literal["raw", "trained"]
    loss: float | None
    perplexity: float | None
    accuracy: float | None


class CheckpointEvent(_Event):
    """A checkpoint is complete."""

    type: Literal["checkpoint"] = "checkpoint"
    step: Count


class HeartbeatEvent(_Event):
    """The trainer lives."""

    type: Literal["heartbeat"] = "heartbeat"


class WarningEvent(_Event):
    """Something the user should know."""

    type: Literal["warning"] = "warning"
    message: str


TrialEvent = Annotated[
    PhaseEvent | StepEvent | EvaluationEvent | CheckpointEvent | HeartbeatEvent | WarningEvent,
    Field(discriminator="type"),
]


class EventBatch(Document):
    """What is posted."""

    events: Annotated[Sequence[TrialEvent], Field(min_length=1, max_length=1000)]


class EventReceipt(Document):
    """What a post answers: everything up to `last_seq` is stored."""

    accepted: Integer
    last_seq: Integer


class EvaluationResult(Document):
    """Held-out scores; loss in nats per token."""

    loss: float
    loss_standard_error: float | None
    perplexity: float
    perplexity_standard_error: float | None
    accuracy: float
    tokens: Integer
    sequences: Integer
    seconds: Seconds
    cached: bool


class MemoryMeasurement(Document):
    """Peaks, each named for what it is; null where the device has no such counter."""

    peak_allocated_bytes: Bytes | None
    peak_reserved_bytes: Bytes | None
    peak_process_bytes: Bytes | None
    peak_rss_bytes: Bytes | None


class ModelResult(Document):
    """The model as it was trained, measured from its tensors."""

    architecture: str
    layers_original: Integer
    layers_kept: Sequence[Integer]
    parameters: Integer
    trainable_parameters: Integer
    weight_bytes: Bytes
    quantized_parameters: Integer
    quantized_bytes: Bytes
    bits_per_parameter: float
    quantized_bits_per_parameter: float | None
    disk_bytes: Bytes | None


class StepLoss(Document):
    """Training loss of a step; null where it was not finite."""

    step: Integer
    loss: float | None


class StepParts(Document):
    """Where the time of the measured steps went."""

    forward: Sequence[Seconds]
    backward: Sequence[Seconds]
    optimizer: Sequence[Seconds]


class TrainingResult(Document):
    """What training did, with raw samples."""

    steps: Integer
    tokens: Integer
    samples: Integer
    losses: Sequence[StepLoss]
    step_seconds: Sequence[Seconds]
    step_tokens: Sequence[Integer]
    warmup_step_seconds: Sequence[Seconds]
    tokens_per_second: float | None
    samples_per_second: float | None
    resumed_from_step: Integer | None
    step_parts: StepParts | None
    dequantization_share: Share | None


class PhaseSeconds(Document):
    """Where the time went."""

    imports: Seconds | None
    tokenizer: Seconds | None
    data: Seconds | None
    load: Seconds | None
    quantize: Seconds | None
    evaluate_raw: Seconds | None
    train: Seconds | None
    evaluate: Seconds | None
    total: Seconds


class Environment(Document):
    """Where it ran and on what."""

    device: str
    device_kind: Literal["cpu", "cuda"]
    driver: str | None
    threads: Integer
    python: str
    libraries: Mapping[str, str]
    trainer_revision: str
    dataset_fingerprint: str
    evaluation_fingerprint: str
    weights_fingerprint: str | None


class Artifact(Document):
    """A file of the attempt, relative to its output folder."""

    name: str
    path: str
    bytes: Bytes


class BaseChecksums(Document):
    """Base weights before training and once the adapter is off again."""

    before: str
    after: str


class MergeResult(Document):
    """How far the merged model is from the trained one."""

    dtype: ResolvedDtype
    max_difference: Annotated[float, Field(ge=0)]
    tolerance: Annotated[float, Field(gt=0)]
    divergence: Annotated[float, Field(ge=0)]
    same_top: Share
    accepted: bool
    seconds: Seconds


class InferenceSamples(Document):
    """Raw samples of one batch size."""

    batch_size: Positive
    prefill_seconds: Sequence[Seconds]
    decode_seconds: Sequence[Seconds]
    peak_memory_bytes: Bytes | None


class InferenceResult(Document):
    """How fast the trained model generates."""

    prompt_tokens: Positive
    new_tokens: Positive
    trained: Sequence[InferenceSamples]
    merged: Sequence[InferenceSamples] | None


class GgufResult(Document):
    """One GGUF file of the trained model."""

    type: GgufType
    missing: str | None
    file_bytes: Bytes | None
    bits_per_weight: Annotated[float, Field(gt=0)] | None
    write_seconds: Seconds | None
    prompt_tokens_per_second: Sequence[NotNegative]
    generated_tokens_per_second: Sequence[NotNegative]
    perplexity: Annotated[float, Field(gt=0)] | None
    perplexity_standard_error: NotNegative | None
    perplexity_delta: float | None
    perplexity_delta_standard_error: NotNegative | None
    divergence: float | None
    divergence_standard_error: NotNegative | None
    same_top: Share | None
    same_top_standard_error: NotNegative | None
    scored_tokens: Count


TaskStage = Literal["raw", "trained"]


class TaskResult(Document):
    """One metric of one task, of the model as cut or as trained."""

    stage: TaskStage
    task: Text
    version: str
    metric: Text
    value: float
    standard_error: NotNegative | None
    higher_is_better: bool
    samples: Positive
    few_shot: Count
    file_sha256: str
    data_sha256: str


class TrialResult(Document):
    """What a finished trial leaves behind."""

    contract: Literal["lamina/v1"]
    trial_id: str
    attempt_id: str
    status: Literal["succeeded", "diverged"]
    diverged_at_step: Integer | None
    model: ModelResult
    compute_dtype: ResolvedDtype
    raw: EvaluationResult | None
    trained: EvaluationResult | None
    training: TrainingResult
    seconds: PhaseSeconds
    memory: MemoryMeasurement
    energy_joules: float | None
    energy_source: Literal["nvml", "rapl"] | None
    idle_watts: Annotated[float, Field(ge=0)] | None
    base: BaseChecksums | None
    merge: MergeResult | None
    inference: InferenceResult | None
    gguf: Sequence[GgufResult] | None
    tasks: Sequence[TaskResult] | None
    environment: Environment
    artifacts: Sequence[Artifact]


class TrialExit(Document):
    """How the trainer ended, for exit.json and the termination message."""

    code: Integer
    reason: str
    message: str
    resumable: bool
    result_sha256: str | None
