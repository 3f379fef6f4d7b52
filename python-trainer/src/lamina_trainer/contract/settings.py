"""What a trial is asked to do: mirrors domain/contract/settings.ts field by field."""

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field

from lamina_trainer.contract.document import (
    MAX_SAFE,
    Bytes,
    Count,
    Document,
    Positive,
    Text,
)
from lamina_trainer.contract.vocabulary import ComputeDtype, LrSchedule, Method, Optimizer, Precision


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
    max_length: Annotated[int, Field(ge=2, le=MAX_SAFE)]
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


class InferenceSettings(Document):
    """How the speed of inference is measured."""

    batch_sizes: Annotated[Sequence[Positive], Field(min_length=1)]
    prompt_tokens: Positive
    new_tokens: Positive
    repetitions: Positive
    warmup: Count


GgufType = Literal["f16", "bf16", "q8_0", "q6_k", "q5_k_m", "q4_k_m", "q4_0", "q2_k"]


class GgufSettings(Document):
    """Which GGUF files are made of the trained model, and how they are measured."""

    types: Annotated[Sequence[GgufType], Field(min_length=1)]
    repetitions: Positive
    prompt_tokens: Positive
    generated_tokens: Positive
    context_tokens: Annotated[int, Field(ge=32, le=MAX_SAFE)]
    max_tokens: Annotated[int, Field(ge=64, le=MAX_SAFE)]


class TaskData(Document):
    """A file of data, by the name that a task file has for it."""

    name: Text
    path: Text
    fingerprint: str


class TaskFile(Document):
    """A task file of lm-evaluation-harness on this machine."""

    path: Text
    fingerprint: str | None
    data: Sequence[TaskData]


class TaskSettings(Document):
    """Which tasks are scored, and how."""

    files: Annotated[Sequence[TaskFile], Field(min_length=1)]
    max_samples: Positive | None
    few_shot: Count | None
    batch_size: Positive


class EvaluationSettings(Document):
    """What is held out and how it is scored."""

    fraction: Annotated[float, Field(gt=0, lt=1)]
    max_tokens: Annotated[int, Field(ge=2, le=MAX_SAFE)]
    micro_batch: Positive
    before_training: bool
    inference: InferenceSettings | None
    gguf: GgufSettings | None
    tasks: TaskSettings | None


class ArtifactSettings(Document):
    """What is kept of the trained model."""

    adapter: bool
    merged: bool


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
    artifacts: ArtifactSettings
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
