"""The contract with the scheduler: mirrors domain/contract/trial.ts field by field.

Attributes are snake_case, documents camelCase. Construct by attribute name; read documents with
`parse_document`, which accepts the camelCase names alone.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Final, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from pydantic.alias_generators import to_camel

from lamina_trainer.errors import InvalidError

CONTRACT_VERSION: Final = "lamina/v1"
_MAX_SAFE: Final = 2**53 - 1

Integer = Annotated[int, Field(ge=-_MAX_SAFE, le=_MAX_SAFE)]
Count = Annotated[int, Field(ge=0, le=_MAX_SAFE)]
Positive = Annotated[int, Field(ge=1, le=_MAX_SAFE)]
Bytes = Count
Seconds = Annotated[float, Field(ge=0)]
Text = Annotated[str, StringConstraints(min_length=1)]
Timestamp = Annotated[
    str,
    StringConstraints(pattern=r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$"),
]

Method = Literal["full", "lora", "qlora"]
Precision = Literal["fp32", "tf32", "bf16", "fp16", "int8", "nf4", "nf4-dq", "fp4", "fp4-dq"]
ComputeDtype = Literal["auto", "fp32", "bf16", "fp16"]
ResolvedDtype = Literal["fp32", "bf16", "fp16"]
Optimizer = Literal["adamw", "adamw-8bit", "paged-adamw-8bit", "sgd"]
LrSchedule = Literal["constant", "linear", "cosine"]
PhaseName = Literal["starting", "loading", "quantizing", "evaluating-raw", "training", "evaluating", "saving"]


class Document(BaseModel):
    """Strict, immutable, without unknown fields."""

    model_config = ConfigDict(
        strict=True,
        frozen=True,
        extra="forbid",
        allow_inf_nan=False,
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
    )


DocumentT = TypeVar("DocumentT", bound=Document)


def parse_document(kind: type[DocumentT], text: str | bytes) -> DocumentT:
    """Read a JSON document; raises InvalidError that names every wrong field."""
    try:
        return kind.model_validate_json(text, by_alias=True, by_name=False)
    except ValidationError as error:
        wrong = "; ".join(
            f"{'.'.join(str(part) for part in item['loc']) or 'document'}: {item['msg']}"
            for item in error.errors(include_url=False, include_input=False)
        )
        raise InvalidError(f"{kind.__name__} is not valid: {wrong}") from error


def write_document(document: Document) -> str:
    """Serialize with the names of the contract."""
    return document.model_dump_json(by_alias=True)


class HfModel(Document):
    """A model of the Hugging Face hub."""

    source: Literal["hf"]
    id: Text
    revision: Text


class PathModel(Document):
    """A model folder on this machine."""

    source: Literal["path"]
    path: Text
    fingerprint: str | None


class GgufModel(Document):
    """A GGUF file on this machine."""

    source: Literal["gguf"]
    path: Text
    fingerprint: str | None


ModelRef = Annotated[HfModel | PathModel | GgufModel, Field(discriminator="source")]


class AllLayers(Document):
    """Keep every layer."""

    strategy: Literal["all"]


class FirstLayers(Document):
    """Keep the first `keep` layers."""

    strategy: Literal["first"]
    keep: Positive


class DropLastLayers(Document):
    """Drop the last `drop` layers."""

    strategy: Literal["drop-last"]
    drop: Positive


class EvenLayers(Document):
    """Keep `keep` evenly spaced layers."""

    strategy: Literal["even"]
    keep: Positive


class AngularLayers(Document):
    """Keep `keep` layers, dropping the block whose input and output are closest."""

    strategy: Literal["angular"]
    keep: Positive


class ListedLayers(Document):
    """Keep the layers with these indices."""

    strategy: Literal["list"]
    indices: Annotated[Sequence[Count], Field(min_length=1)]


LayerChoice = Annotated[
    AllLayers | FirstLayers | DropLastLayers | EvenLayers | AngularLayers | ListedLayers,
    Field(discriminator="strategy"),
]


class TextField(Document):
    """A record is one text."""

    text: Text


class PromptFields(Document):
    """A record is a prompt and its completion, both of them trained on."""

    prompt: Text
    completion: Text


TextFields = TextField | PromptFields


class FileDataset(Document):
    """Records from a file: one JSON object a line, or paragraphs separated by blank lines."""

    source: Literal["file"]
    path: Text
    format: Literal["jsonl", "text"]
    fields: TextFields
    fingerprint: str | None


class HfDataset(Document):
    """A dataset of the Hugging Face hub."""

    source: Literal["hf"]
    id: Text
    config: str | None
    revision: Text
    split: Text
    fields: TextFields


DatasetRef = Annotated[FileDataset | HfDataset, Field(discriminator="source")]


class TrainingSettings(Document):
    """How the model is trained; lengths in tokens, steps are optimizer steps."""

    steps: Positive
    micro_batch: Positive
    accumulation: Positive
    max_length: Annotated[int, Field(ge=2, le=_MAX_SAFE)]
    packing: bool
    learning_rate: Annotated[float, Field(gt=0)]
    schedule: LrSchedule
    warmup_steps: Count
    optimizer: Optimizer
    weight_decay: Annotated[float, Field(ge=0)]
    adam_beta1: Annotated[float, Field(ge=0, lt=1)]
    adam_beta2: Annotated[float, Field(ge=0, lt=1)]
    adam_epsilon: Annotated[float, Field(gt=0)]
    max_grad_norm: Annotated[float, Field(gt=0)] | None
    mixed_precision: Literal["none", "bf16", "fp16"]
    checkpointing: bool
    checkpoint_every: Positive | None
    log_every: Positive
    warmup_measurements: Count


class LoraSettings(Document):
    """Adapters."""

    r: Positive
    alpha: Annotated[float, Field(gt=0)]
    dropout: Annotated[float, Field(ge=0, lt=1)]
    bias: Literal["none", "all", "lora_only"]
    targets: Literal["all-linear"] | Annotated[Sequence[Text], Field(min_length=1)]
    rslora: bool


class EvaluationSettings(Document):
    """What is held out and how it is scored."""

    fraction: Annotated[float, Field(gt=0, lt=1)]
    max_tokens: Annotated[int, Field(ge=2, le=_MAX_SAFE)]
    micro_batch: Positive
    before_training: bool


class TrialSettings(Document):
    """Everything that can change a trial's numbers."""

    model: ModelRef
    layers: LayerChoice
    precision: Precision
    compute_dtype: ComputeDtype
    method: Method
    dataset: DatasetRef
    training: TrainingSettings
    lora: LoraSettings | None
    evaluation: EvaluationSettings
    seed: Count
    gpu_class: str | None
    gpus: Count


class Plan(Document):
    """What an attempt runs with."""

    gpu_class: str | None
    gpus: Count
    micro_batch: Positive
    accumulation: Positive
    checkpointing: bool
    memory_bytes: Bytes | None
    excluded_nodes: Sequence[str]


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


class StepLoss(Document):
    """Training loss of a step; null where it was not finite."""

    step: Integer
    loss: float | None


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
    environment: Environment
    artifacts: Sequence[Artifact]


class TrialExit(Document):
    """How the trainer ended, for exit.json and the termination message."""

    code: Integer
    reason: str
    message: str
    resumable: bool
    result_sha256: str | None
