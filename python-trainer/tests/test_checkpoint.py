import torch

from lamina_trainer.training.checkpoint import Checkpoint, CheckpointFolder

CPU = torch.device("cpu")


def state(value):
    return {"parameters": [torch.full((3,), float(value))], "optimizer": {"lr": value}}


def folder(path, warnings=None):
    return CheckpointFolder(path, "t-1", (warnings if warnings is not None else []).append)


def test_the_newest_complete_one_wins_and_two_are_kept(tmp_path):
    checkpoints = folder(tmp_path)
    for step in (1, 2, 3):
        checkpoints.save(Checkpoint(step, state(step), [(1, 0.5), (2, None)]))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["step-000000002", "step-000000003"]
    found = checkpoints.newest(CPU)
    assert found.step == 3
    assert found.state["parameters"][0].tolist() == [3, 3, 3]
    assert found.losses == [(1, 0.5), (2, None)]


def test_nothing_there_is_nothing_found(tmp_path):
    assert folder(tmp_path / "none").newest(CPU) is None


def test_damaged_ones_are_skipped_with_a_warning(tmp_path):
    warnings = []
    checkpoints = folder(tmp_path, warnings)
    for step in (1, 2):
        checkpoints.save(Checkpoint(step, state(step), []))
    file = tmp_path / "step-000000002" / "state.pt"
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    assert checkpoints.newest(CPU).step == 1
    assert "step-000000002" in warnings[0]
    (tmp_path / "step-000000001" / "checkpoint.json").write_text("{")
    assert checkpoints.newest(CPU) is None
    assert len(warnings) == 3


def test_an_unfinished_one_is_never_seen_and_is_cleaned_up(tmp_path):
    unfinished = tmp_path / ".step-000000009.abc"
    unfinished.mkdir(parents=True)
    (unfinished / "state.pt").write_bytes(b"half")
    checkpoints = folder(tmp_path)
    assert checkpoints.newest(CPU) is None
    checkpoints.save(Checkpoint(1, state(1), []))
    assert not unfinished.exists()


def test_a_checkpoint_of_another_trial_is_not_used(tmp_path):
    folder(tmp_path).save(Checkpoint(1, state(1), []))
    warnings = []
    assert CheckpointFolder(tmp_path, "t-2", warnings.append).newest(CPU) is None
    assert "another trial" in warnings[0]


def test_saving_the_same_step_again_replaces_it(tmp_path):
    checkpoints = folder(tmp_path)
    checkpoints.save(Checkpoint(1, state(1), []))
    checkpoints.save(Checkpoint(1, state(7), []))
    assert checkpoints.newest(CPU).state["parameters"][0].tolist() == [7, 7, 7]
