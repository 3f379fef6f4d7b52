"""Which process does what, and which of several endings is the attempt's."""

import json
import socket
import time
from pathlib import Path

import pytest

from lamina_trainer.attempt.exits import Conclusion, Ending, classify
from lamina_trainer.attempt.joint_exit import encode, write_joint_exit
from lamina_trainer.distributed.rank import ProcessRank, local_ranks, nodes_from
from lamina_trainer.distributed.supervisor import ChildExit
from lamina_trainer.errors import InvalidError

TWO_NODES = {"LAMINA_NODES": "2", "LAMINA_MASTER_ADDRESS": "job-0.trial"}


def test_one_gpu_takes_no_processes_of_its_own():
    assert local_ranks(0, {}) == local_ranks(1, {"LAMINA_NODES": "nonsense"}) == []


def test_processes_of_one_node_share_a_socket_that_is_bound_already():
    first, second = local_ranks(2, {"CUDA_VISIBLE_DEVICES": "4,6"})
    assert (first.rank, first.local_rank, second.rank, second.local_rank) == (0, 0, 1, 1)
    assert first.world_size == second.local_world_size == 2
    assert first.is_single_node
    assert first.listening_socket is not None
    assert second.listening_socket is None
    with socket.socket(fileno=first.listening_socket) as listener:
        assert listener.getsockname() == (second.master_address, second.master_port)


def test_ranks_go_on_from_node_to_node():
    env = {**TWO_NODES, "JOB_COMPLETION_INDEX": "1", "CUDA_VISIBLE_DEVICES": "0,1"}
    assert local_ranks(4, env) == [
        ProcessRank(2, 4, 0, 2, "job-0.trial", 29500, None),
        ProcessRank(3, 4, 1, 2, "job-0.trial", 29500, None),
    ]
    assert nodes_from({**env, "LAMINA_NODE_RANK": "0", "LAMINA_MASTER_PORT": "4000"}).index == 0
    assert nodes_from({"JOB_COMPLETION_INDEX": "3"}).count == 1


@pytest.mark.parametrize(
    ("gpus", "env", "message"),
    [
        (2, {"CUDA_VISIBLE_DEVICES": "3"}, "2 GPUs were asked for; this machine has 1"),
        (2, {"CUDA_VISIBLE_DEVICES": "-1"}, "this machine has 0"),
        (8, {**TWO_NODES, "LAMINA_NODE_RANK": "0", "CUDA_VISIBLE_DEVICES": "0,1"}, "one of 2, has 2"),
        (3, {**TWO_NODES, "LAMINA_NODE_RANK": "0", "CUDA_VISIBLE_DEVICES": "0,1"}, "3 GPUs cannot be divided"),
        (2, {**TWO_NODES, "CUDA_VISIBLE_DEVICES": "0"}, "JOB_COMPLETION_INDEX must be a whole number"),
        (2, {**TWO_NODES, "LAMINA_NODE_RANK": "2"}, "counted from 0"),
        (2, {"LAMINA_NODES": "2", "LAMINA_NODE_RANK": "0"}, "LAMINA_MASTER_ADDRESS"),
        (2, {"LAMINA_NODES": "two"}, "LAMINA_NODES must be a whole number of at least 1, not 'two'"),
    ],
)
def test_what_does_not_fit_together_is_invalid(gpus: int, env: dict[str, str], message: str):
    with pytest.raises(InvalidError, match=message):
        local_ranks(gpus, env)


FAILED = Ending("gpuOutOfMemory", "The GPU's memory is not enough.")
LOST = Ending("crashed", "Another process of the trial was lost.", lost_peer=True)
CRASHED = Ending("crashed", "The trainer failed.")
STOPPED = Ending("resumable", "Stopped.")
INVALID = Ending("invalid", "No column.")
DONE = Ending("succeeded", "Finished.")


def ends(folder: Path, *endings: Ending | int) -> list[ChildExit]:
    """Endings that were told; a negative number is a signal, and 0 a process that was killed to end the rest."""
    return [
        ChildExit(
            one.code, encode(Conclusion(one, folder, "d" * 64 if one is DONE else None)), killed_by_supervisor=False
        )
        if isinstance(one, Ending)
        else ChildExit(one or -9, b"", killed_by_supervisor=one == 0)
        for one in endings
    ]


@pytest.mark.parametrize(
    ("endings", "code", "reason"),
    [
        ((DONE, DONE), 0, "succeeded"),
        ((LOST, FAILED), 65, "gpuOutOfMemory"),
        ((FAILED, 0), 65, "gpuOutOfMemory"),
        ((CRASHED, INVALID), 64, "invalid"),
        ((STOPPED, LOST), 75, "resumable"),
        ((STOPPED, CRASHED), 1, "crashed"),
        ((DONE, CRASHED), 1, "crashed"),
        ((LOST, -9), -9, None),
        ((-11, FAILED), 65, "gpuOutOfMemory"),
        ((CRASHED, -11), -11, None),
    ],
    ids=str,
)
def test_the_most_telling_ending_is_the_attempts(
    tmp_path: Path, endings: tuple[Ending | int, ...], code: int, reason: str | None
):
    assert write_joint_exit(ends(tmp_path, *endings), 0, 0) == code
    file = tmp_path / "exit.json"
    assert (json.loads(file.read_text())["reason"] if file.exists() else None) == reason
    if code == 0:
        assert json.loads(file.read_text())["resultSha256"] == "d" * 64


@pytest.mark.parametrize(
    ("ending", "written"), [(FAILED, True), (LOST, False), (STOPPED, False), (DONE, False)], ids=str
)
def test_another_node_writes_only_what_went_wrong_on_it(tmp_path: Path, ending: Ending, written: bool):
    assert write_joint_exit(ends(tmp_path, ending), 1, 0) == ending.code
    assert (tmp_path / "exit.json").exists() == written


def test_a_node_that_lost_another_leaves_the_word_to_it(tmp_path: Path):
    write_joint_exit(ends(tmp_path, FAILED), 1, 0)
    assert write_joint_exit(ends(tmp_path, LOST), 0, 0) == 1
    assert json.loads((tmp_path / "exit.json").read_text())["reason"] == "gpuOutOfMemory"


def test_what_an_earlier_start_of_the_attempt_left_is_replaced(tmp_path: Path):
    write_joint_exit(ends(tmp_path, STOPPED), 0, 0)
    assert write_joint_exit(ends(tmp_path, LOST), 0, time.time() + 60) == 1
    assert json.loads((tmp_path / "exit.json").read_text())["reason"] == "crashed"


def test_a_lost_connection_is_told_from_a_crash():
    gloo = RuntimeError("[../third_party/gloo/gloo/transport/tcp/pair.cc:547] Connection closed by peer")
    assert classify(gloo).lost_peer
    assert not classify(RuntimeError("shapes do not fit")).lost_peer
    assert not classify(MemoryError()).lost_peer
