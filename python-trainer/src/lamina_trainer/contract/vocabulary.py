"""Closed lists of the documents. Generated from domain/vocabulary by `npm run generate`: change them there."""

from typing import Literal

Method = Literal[
    "full",
    "lora",
    "qlora",
]
Precision = Literal[
    "fp32",
    "tf32",
    "bf16",
    "fp16",
    "fp8",
    "int8",
    "int8-wo",
    "int4-wo",
    "int4-hqq",
    "mxfp4",
    "nf4",
    "nf4-dq",
    "fp4",
    "fp4-dq",
    "gptq",
    "awq",
]
ComputeDtype = Literal[
    "auto",
    "fp32",
    "bf16",
    "fp16",
]
Optimizer = Literal[
    "adamw",
    "adamw-8bit",
    "paged-adamw-8bit",
    "sgd",
]
LrSchedule = Literal[
    "constant",
    "linear",
    "cosine",
]
