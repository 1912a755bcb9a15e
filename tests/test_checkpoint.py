"""Checkpoints: what comes back, what is refused, and what a kill leaves behind."""

import copy
import errno
import hashlib
import inspect
import io
import json
import os
import pickle
import random
import stat
import subprocess
import sys
import tempfile
import zipfile
import zlib
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import nnlib
from nnlib import (
    SGD,
    Adam,
    Autoencoder,
    Dense,
    History,
    Layer,
    MSELoss,
    Optimizer,
    ReLU,
    Sequential,
    Sigmoid,
    Softmax,
    Tanh,
    optimizer,
    registry,
)
from nnlib import archive as files
from nnlib.archive import BIT_GENERATORS, append_checksum, rng_to_config, write_arrays
from nnlib.checkpoint import (
    Checkpoint,
    CheckpointError,
    load,
    read_checkpoint,
    register,
    save,
    to_arrays,
)
from nnlib.registry import KINDS, STATES, optimizer_from_config

ROOT = Path(nnlib.__file__).parents[1]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run.npz"


def started(seed=0, network=None):
    """A run after two epochs, so that nothing in it is as it was made."""
    rng = np.random.default_rng(seed)
    network = network or Sequential(Dense(3, 4, rng=rng), Tanh(), Dense(4, 2, rng=rng))
    run = Checkpoint(
        network, SGD(0.1, momentum=0.9), rng, History(), {"recipe": [1, 2.5, None, "é"]}
    )
    return train(run, 2)


def train(run, epochs, callback=None):
    data = np.random.default_rng(7).normal(size=(20, 5))
    run.network.fit(
        data[:, :3],
        data[:, 3:],
        loss=MSELoss(),
        optimizer=run.optimizer,
        epochs=epochs,
        batch_size=6,
        rng=run.rng,
        history=run.history,
        validation_data=(data[:7, :3], data[:7, 3:]),
        callback=callback,
    )
    return run


def put(path, run):
    save(
        path,
        run.network,
        optimizer=run.optimizer,
        rng=run.rng,
        history=run.history,
        notes=run.notes,
    )


def loads(data):
    """Load from bytes: much faster than from disk, for those who have thousands."""
    return read_checkpoint(io.BytesIO(data), "bytes.npz")


def npy(array):
    """An array as NumPy writes it, pickles included."""
    file = io.BytesIO()
    np.save(file, array, allow_pickle=True)
    return file.getvalue()


def members_of(run):
    """What is in the file of a run, as bytes by name."""
    return {name: npy(array) for name, array in to_arrays(run).items()}


def pack(vector):
    return npy(vector)


def archive(members):
    """An archive of these bytes with a valid checksum."""
    return zipped(members)


def assert_same(a, b):
    assert repr(a.network) == repr(b.network)
    assert a.network.params.dtype == b.network.params.dtype
    assert a.network.params.tobytes() == b.network.params.tobytes()
    assert repr(a.optimizer) == repr(b.optimizer)
    assert a.optimizer.state["velocity"].tobytes() == b.optimizer.state["velocity"].tobytes()
    assert a.history == b.history and a.notes == b.notes
    assert repr(a.rng.bit_generator.state) == repr(b.rng.bit_generator.state)


# ---- what comes back


def test_everything_comes_back(path):
    run = started()
    put(path, run)
    assert_same(load(path), run)


def test_a_resumed_training_is_the_one_that_was_not_stopped(path):
    put(path, started())
    assert_same(train(load(path), 9), train(started(), 9))


def test_only_the_network_is_needed(path):
    save(path, started().network)
    again = load(path)
    assert_array_equal(again.network.params, started().network.params)
    assert (again.optimizer, again.rng, again.history, again.notes) == (None, None, None, None)


NETWORKS = {
    "one layer": lambda dtype: Sequential(Dense(3, 2, rng=0, dtype=dtype)),
    "all kinds": lambda dtype: Sequential(
        ReLU(), Dense(3, 4, rng=0, dtype=dtype), Sigmoid(), Tanh(), Softmax()
    ),
    "nested": lambda dtype: Sequential(
        Sequential(Sequential(Dense(3, 2, rng=0, dtype=dtype)), ReLU()),
        Sequential(Dense(2, 1, rng=0, dtype=dtype)),
    ),
    "autoencoder": lambda dtype: Autoencoder((5, 4, 2), rng=0, dtype=dtype),
    "shallow autoencoder": lambda dtype: Autoencoder((3, 2), rng=0, dtype=dtype),
    "autoencoder inside": lambda dtype: Sequential(
        Autoencoder((3, 2), rng=0, dtype=dtype), Sigmoid()
    ),
    "no parameters": lambda dtype: Sequential(ReLU(), Tanh()),
}


@pytest.mark.parametrize("make", NETWORKS.values(), ids=NETWORKS)
def test_networks_come_back(make, dtype, path):
    network = make(dtype)
    save(path, network)
    again = load(path).network
    assert type(again) is type(network) and repr(again) == repr(network)
    assert again.params.dtype == network.params.dtype
    assert again.params.tobytes() == network.params.tobytes()
    x = np.random.default_rng(0).random((4, network.n_in or 3)).astype(dtype)
    assert_array_equal(again.predict(x), network.predict(x))


def test_an_autoencoder_still_shares_its_layers(path):
    save(path, Autoencoder((5, 4, 2), rng=0))
    again = load(path).network
    assert again.sizes == (5, 4, 2)
    for part in again.encoder, again.decoder:
        assert np.shares_memory(part.params, again.params) and np.shares_memory(
            part.layers[0].W, again.params
        )
        assert np.shares_memory(part.grads, again.grads)


def test_every_bit_comes_back(dtype, path):
    info = np.finfo(dtype)
    values = [
        0.0,
        -0.0,
        info.max,
        -info.max,
        info.tiny,
        info.smallest_subnormal,
        -info.smallest_subnormal,
        1 / 3,
    ]
    network = Sequential(Dense(1, 4, dtype=dtype))
    network.params = np.array(values, dtype)
    save(path, network)
    assert load(path).network.params.tobytes() == np.array(values, dtype).tobytes()


def test_what_is_loaded_may_be_written(path):
    put(path, started())
    again = load(path)
    again.network.params += 1
    again.optimizer.state["velocity"] += 1


def test_saving_changes_nothing(path):
    run, before = started(), started()
    put(path, run)
    assert_same(run, before)


def test_an_optimizer_before_its_first_step(path):
    network = Sequential(Dense(3, 2, rng=0))
    save(path, network, optimizer=SGD(0.25, momentum=0.5))
    again = load(path).optimizer
    assert again.config() == {"learning_rate": 0.25, "momentum": 0.5} and not again.state


def test_a_plain_optimizer(path):
    run = started()
    run.optimizer = SGD(0.1)
    train(run, 3)
    put(path, run)
    assert repr(load(path).optimizer) == "SGD(learning_rate=0.1, momentum=0.0)"


def with_adam(epochs):
    run = Checkpoint(
        started(5).network,
        Adam(0.01, betas=(0.8, 0.9), eps=1e-6),
        np.random.default_rng(1),
        History(),
    )
    return train(run, epochs) if epochs else run


@pytest.mark.parametrize("epochs", [0, 1, 2])
def test_arrays_and_counts_of_an_optimizer(path, epochs):
    put(path, with_adam(epochs))
    assert load(path).optimizer.config() == with_adam(0).optimizer.config()
    stopped, whole = train(load(path), 5), with_adam(5)
    assert stopped.optimizer.state["steps"] == whole.optimizer.state["steps"] == 20
    for name in ("mean", "square"):
        assert_array_equal(stopped.optimizer.state[name], whole.optimizer.state[name])
    assert_array_equal(stopped.network.params, whole.network.params)


@pytest.mark.parametrize(
    "counters",
    [
        {},
        {"steps": -1},
        {"steps": 1.5},
        {"steps": True},
        {"steps": 2**63 + 1},
        {"steps": 1, "_rate": 1},
        {"mean": 1},
    ],
    ids=str,
)
def test_strange_counts_are_refused(counters):
    run = with_adam(1)
    assert loads(forged(members_of(run))).optimizer.state["steps"] == 4
    with pytest.raises(CheckpointError, match="counters of Adam: expected"):
        loads(forged(members_of(run), part("optimizer", counters=counters)))


def test_every_optimizer_of_the_library_can_be_saved():
    kinds = [
        kind
        for _, kind in inspect.getmembers(optimizer, inspect.isclass)
        if issubclass(kind, Optimizer)
    ]
    kinds.remove(Optimizer)
    assert {kind.__name__ for kind in kinds} == set(STATES)
    for kind in kinds:
        assert KINDS[kind.__name__] is kind
        made = kind(0.1, momentum=0.5) if kind is SGD else kind()
        made.step(np.zeros(2), np.ones(2))
        arrays, ints = STATES[kind.__name__]
        assert {name: np.ndim(value) for name, value in made.state.items()} == dict.fromkeys(
            ints, 0
        ) | dict.fromkeys(arrays, 1)


RNGS = {
    f"{make.__name__}-{name}": (lambda make=make, name=name: make(getattr(np.random, name)(5)))
    for make in (np.random.Generator, np.random.RandomState)
    for name in BIT_GENERATORS
}
USES = {
    "new": lambda rng: None,
    "half a number left": lambda rng: (
        rng.bytes(4),
        rng.integers(9, dtype=np.uint32) if hasattr(rng, "integers") else 0,
    ),
    "a normal left": lambda rng: rng.standard_normal(3),
    "far along": lambda rng: rng.permutation(1000),
}


@pytest.mark.parametrize("use", USES.values(), ids=USES)
@pytest.mark.parametrize("make", RNGS.values(), ids=RNGS)
def test_generators_go_on(make, use, path):
    rng = make()
    use(rng)
    save(path, Sequential(ReLU()), rng=rng)
    again = load(path).rng
    assert type(again) is type(rng) and type(again._bit_generator) is type(rng._bit_generator)
    for draw in (
        lambda r: r.standard_normal(5),
        lambda r: r.permutation(50),
        lambda r: r.bytes(7),
        lambda r: r.random(700),
    ):
        assert np.array_equal(
            np.frombuffer(draw(rng), np.uint8)
            if isinstance(draw(copy.deepcopy(rng)), bytes)
            else draw(rng),
            np.frombuffer(draw(again), np.uint8)
            if isinstance(draw(copy.deepcopy(again)), bytes)
            else draw(again),
        )


def test_a_seeded_legacy_generator(path):
    rng = np.random.RandomState(42)
    rng.normal()
    save(path, Sequential(ReLU()), rng=rng)
    assert_array_equal(load(path).rng.normal(size=9), rng.normal(size=9))


# ---- files of earlier versions of the package


FILES_OF_VERSION_1 = Path(__file__).with_name("files")
EXPECTED = json.loads((FILES_OF_VERSION_1 / "expected.json").read_text(encoding="utf-8"))
XOR = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], float), np.array([[0], [1], [1], [0]], float)


def resumed(name):
    """Load a file of before and train on, as `expected.json` was made."""
    run = load(FILES_OF_VERSION_1 / name)
    if name == "autoencoder.npz":
        return run
    X, y = (a.astype(run.network.params.dtype) for a in XOR)
    validation = {} if name == "adam.npz" else dict(validation_data=(X, y), validation_interval=2)
    run.network.fit(
        X,
        y,
        loss=MSELoss(),
        optimizer=run.optimizer,
        epochs=9 if name == "adam.npz" else 20,
        batch_size=2,
        rng=run.rng,
        history=run.history,
        **validation,
    )
    return run


@pytest.mark.parametrize("name", ["xor.npz", "adam.npz", "autoencoder.npz"])
def test_trainings_saved_by_an_earlier_version_go_on(name):
    with np.load(FILES_OF_VERSION_1 / name) as arrays:
        assert (
            load(FILES_OF_VERSION_1 / name).network.params.tobytes() == arrays["params"].tobytes()
        )
    run = resumed(name)
    # another machine rounds otherwise
    rtol = 1e-4 if run.network.params.dtype == np.float32 else 1e-9
    for found, value in ((run.network.params, "params"), (run.history.loss, "loss")):
        np.testing.assert_allclose(found, [*map(float.fromhex, EXPECTED[name][value])], rtol=rtol)


@pytest.mark.parametrize(
    "name", [name for name in EXPECTED if name.startswith(("Generator", "RandomState"))]
)
def test_generators_saved_by_an_earlier_version_go_on(name):
    rng = load(FILES_OF_VERSION_1 / name).rng
    assert rng.random(6).tolist() == [*map(float.fromhex, EXPECTED[name]["draws"])]
    np.testing.assert_allclose(
        rng.standard_normal(5), [*map(float.fromhex, EXPECTED[name]["more"])], rtol=1e-15
    )


def test_other_parts_saved_by_an_earlier_version():
    assert load(FILES_OF_VERSION_1 / "xor.npz").notes == {
        "recipe": {"epochs": 7, "rate": 0.5},
        "über": [1, 2.5, None, True],
    }
    assert load(FILES_OF_VERSION_1 / "xor.npz").history.val_epochs == [2, 4, 6]
    assert (
        repr(load(FILES_OF_VERSION_1 / "adam.npz").optimizer)
        == "Adam(learning_rate=0.05, betas=(0.8, 0.95), eps=1e-06)"
    )
    inner, softmax = load(FILES_OF_VERSION_1 / "network.npz").network.layers
    assert inner.sizes == (3, 2) and type(softmax) is Softmax
    assert load(FILES_OF_VERSION_1 / "autoencoder.npz").network.sizes == (6, 4, 2)


# ---- the file


def test_numpy_reads_the_file(path):
    run = started()
    put(path, run)
    with np.load(path, allow_pickle=False) as arrays:
        assert sorted(arrays) == ["checkpoint", "optimizer.velocity", "params"]
        assert_array_equal(arrays["params"], run.network.params)
        assert_array_equal(arrays["optimizer.velocity"], run.optimizer.state["velocity"])
        assert json.loads(arrays["checkpoint"].tobytes())["format"] == "nnlib"


def test_a_machine_of_the_other_byte_order_writes_the_same():
    written = []
    for order in "<>":
        written.append(io.BytesIO())
        write_arrays(written[-1], {"x": np.array([1.5, -2.0]).astype(f"{order}f8")})
    assert written[0].getvalue() == written[1].getvalue()
    (x,) = files.read_arrays(written[0]).values()
    assert x.tolist() == [1.5, -2.0] and x.dtype.isnative


def test_the_checksum_is_that_of_all_before(path):
    put(path, started())
    data = path.read_bytes()
    assert hashlib.sha256(data[:-64]).hexdigest().encode() == data[-64:]
    with zipfile.ZipFile(path) as file:
        assert file.comment == data[-64:] and file.testzip() is None
        # the clock does not count
        assert {info.date_time for info in file.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_a_file_over_a_megabyte(path):
    """The checksum is taken piece by piece."""
    network = Sequential(Dense(500, 500, rng=0))
    save(path, network)
    data = path.read_bytes()
    assert len(data) > 1 << 20 and hashlib.sha256(data[:-64]).hexdigest().encode() == data[-64:]
    assert_array_equal(load(path).network.params, network.params)


def test_the_same_run_makes_the_same_file(path, tmp_path):
    put(path, started())
    put(tmp_path / "other.npz", started())
    assert (tmp_path / "other.npz").read_bytes() == path.read_bytes()


def test_a_path_may_be_a_string_and_relative(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    put("here", started())
    assert os.listdir() == ["here"]
    assert_same(load("here"), started())


def test_a_link_stays_one(path, tmp_path):
    (tmp_path / "disk").mkdir()
    target = tmp_path / "disk" / "real.npz"
    try:
        path.symlink_to(target)
    except OSError:
        pytest.skip("no symbolic links here")
    put(path, started())
    assert path.is_symlink() and not target.is_symlink()
    assert_same(load(target), started())


@pytest.mark.skipif(os.name == "nt", reason="modes are of other systems")
def test_the_file_has_the_usual_mode(path, tmp_path):
    put(path, started())
    (tmp_path / "usual").write_bytes(b"")
    assert path.stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_missing_files_and_folders(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        load(tmp_path / "nowhere.npz")
    with pytest.raises(FileNotFoundError, match="nowhere"):
        put(tmp_path / "nowhere" / "run.npz", started())


# ---- replacing


def test_the_new_file_is_on_disk_before_it_replaces_the_old(path, monkeypatch):
    put(path, started())
    old, calls = path.read_bytes(), []
    sync, replace = os.fsync, os.replace

    def fsync(handle):
        folder = os.path.isdir(f"/proc/self/fd/{handle}")
        calls.append("sync folder" if folder else "sync file")
        if not folder:
            (temporary,) = (p for p in path.parent.iterdir() if p != path)
            assert_same(load(temporary), started(1))  # whole already
            assert path.read_bytes() == old
        sync(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "replace", lambda *names: (calls.append("replace"), replace(*names)))
    put(path, started(1))
    assert calls == (
        ["sync file", "replace", "sync folder"] if os.path.isdir("/proc/self/fd") else calls
    )
    assert_same(load(path), started(1))


@pytest.mark.parametrize("error", [OSError("disk full"), KeyboardInterrupt()], ids=repr)
@pytest.mark.parametrize(
    "step", ["os.fsync", "os.replace", "nnlib.archive.append_checksum", "zipfile.ZipFile.open"]
)
def test_a_failed_save_leaves_the_old_file_and_no_other(step, error, path, monkeypatch):
    put(path, started())

    def fail(*_, **__):
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(step, fail)
        with pytest.raises(type(error)):
            put(path, started(1))
    assert os.listdir(path.parent) == [path.name]
    assert_same(load(path), started())


def test_folders_that_cannot_be_opened(path, monkeypatch):
    """As on Windows."""
    real = os.open

    def refuse(name, *rest):
        if os.path.isdir(name):
            raise PermissionError
        return real(name, *rest)

    monkeypatch.setattr(os, "open", refuse)
    put(path, started())
    monkeypatch.undo()
    assert_same(load(path), started())


@pytest.mark.skipif(os.name == "nt", reason="modes are of other systems")
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o666])
def test_a_private_file_is_private_while_it_is_replaced(mode, path, monkeypatch):
    """The new file was readable for all until it was whole."""
    put(path, started())
    path.chmod(mode)
    seen, sync = [], os.fsync

    def fsync(handle):
        seen.append(os.fstat(handle).st_mode & 0o777)
        sync(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    put(path, started(1))
    assert seen[0] & ~mode == 0 and path.stat().st_mode & 0o777 == mode


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_a_pipe_is_not_replaced_and_not_read(path):
    """`save` made files of devices, the null device of a container included."""
    os.mkfifo(path)
    with pytest.raises(
        ValueError, match="expected a regular file or none, got a folder, device or pipe"
    ):
        put(path, started())
    with pytest.raises(
        CheckpointError, match="expected a regular file, got a folder, device or pipe"
    ):
        load(path)
    assert path.is_fifo() and os.listdir(path.parent) == [path.name]


def test_a_folder_is_not_replaced_and_not_read(tmp_path):
    with pytest.raises(ValueError, match="expected a regular file or none"):
        put(tmp_path, started())
    with pytest.raises(CheckpointError, match="expected a regular file"):
        load(tmp_path)


@pytest.mark.skipif(os.name == "nt", reason="Windows opens no folders")
@pytest.mark.parametrize(
    "number", [errno.EIO, errno.EINVAL], ids=["disk", "file system without it"]
)
def test_errors_of_the_disk_are_told(number, path, monkeypatch):
    """An error while the name was forced to disk was hidden."""
    put(path, started())
    sync = os.fsync

    def fsync(handle):
        if stat.S_ISDIR(os.fstat(handle).st_mode):
            raise OSError(number, "from the disk")
        sync(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    if number == errno.EINVAL:
        put(path, started(1))
    else:
        with pytest.raises(OSError, match="from the disk"):
            put(path, started(1))
    assert_same(load(path), started(1))


def orphans_of(path):
    return [name for name in os.listdir(path.parent) if name.endswith(".tmp")]


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # a worker has threads
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_what_a_kill_left_is_removed_by_the_next_save_of_that_file(path, monkeypatch):
    for name in (path, path.with_name("other.npz")):
        put(name, started())
        if (pid := os.fork()) == 0:
            os.replace = lambda *_: os._exit(9)  # killed before the end
            put(name, started(1))
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 9
    assert len(orphans_of(path)) == 2
    put(path, started(2))
    assert len(orphans_of(path)) == 1
    put(path.with_name("other.npz"), started(2))
    assert not orphans_of(path)


def test_a_file_that_another_process_is_writing_is_left_alone(path):
    fcntl = pytest.importorskip("fcntl")
    name = f".{zlib.crc32(os.fsencode(path.name)):08x}-{'0' * 16}.tmp"
    with open(path.with_name(name), "wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        put(path, started())
        assert orphans_of(path) == [name]
    put(path, started())
    assert not orphans_of(path)


def test_on_windows_a_file_is_closed_before_it_is_renamed_or_removed(path, monkeypatch):
    monkeypatch.setattr(files, "WINDOWS", True)
    monkeypatch.setattr(files, "lock", lambda file: None)
    path.with_name(f".{zlib.crc32(os.fsencode(path.name)):08x}-{'0' * 16}.tmp").write_bytes(
        b"unfinished"
    )
    real, closed = os.replace, []

    def replace(source, target):
        closed.append(made[0].closed)
        real(source, target)

    made, create = [], files.create_temporary

    def creating(*rest):
        made.append(create(*rest)[0])
        return made[0], made[0].name

    monkeypatch.setattr(files, "create_temporary", creating)
    monkeypatch.setattr(os, "replace", replace)
    put(path, started())
    assert closed == [True] and not orphans_of(path)


def test_a_new_file_taken_for_an_orphan_is_made_again(path, monkeypatch):
    answers = [False, True]
    monkeypatch.setattr(files, "lock", lambda file: answers.pop(0))
    with files.create_temporary(str(path.parent), ".a-", 0o666)[0]:
        assert not answers and len(orphans_of(path)) == 2


@pytest.mark.parametrize("error", [ImportError, OSError])
def test_where_there_are_no_locks_files_are_replaced_all_the_same(error, path, monkeypatch):
    class Without:
        LOCK_EX = LOCK_NB = 0

        def __getattr__(self, name):
            raise error

    monkeypatch.setitem(sys.modules, "fcntl", None if error is ImportError else Without())
    orphan = path.with_name(f".{zlib.crc32(os.fsencode(path.name)):08x}-{'0' * 16}.tmp")
    orphan.write_bytes(b"unfinished")
    put(path, started())
    assert_same(load(path), started())
    assert orphan.exists()  # it may be in use


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # a worker has threads
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_several_processes_may_save_to_one_file(path):
    pids = []
    for seed in range(4):
        if (pid := os.fork()) == 0:
            status = 1
            try:
                for _ in range(30):
                    put(path, started(seed))
                    load(path)
                status = 0
            finally:
                os._exit(status)
        pids.append(pid)
    assert [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids] == [0] * 4
    load(path)
    assert not orphans_of(path)


# ---- what is not saved


class Foreign(Layer):
    pass


def masked(network):
    """A subclass under the name of a layer of the library."""
    network.layers[1].__class__ = type("Tanh", (Tanh,), {})
    return network


def poisoned(value):
    network = started().network
    network.layers[0].W[0, 0] = value
    return network


def deeply(depth):
    network = Sequential(Dense(1, 1, rng=0))
    for _ in range(depth):
        network = Sequential(network)
    return network


class Step(SGD):
    pass


def used():
    sgd = SGD(0.1)
    sgd.step(np.zeros(26), np.zeros(26))
    return sgd


def heavy(velocity):
    sgd = SGD(0.1, momentum=0.5)
    sgd.state["velocity"] = velocity
    return sgd


REFUSED = {
    "layer of another library": (
        dict(network=Sequential(Dense(3, 2), Foreign())),
        TypeError,
        "SGD, Adam, got Foreign(); call nnlib.register(Foreign) first",
    ),
    "subclass of a layer": (
        dict(network=masked(started().network)),
        TypeError,
        "expected classes that are registered, Dense, ",
    ),
    "no network": (
        dict(network=Dense(2, 1, rng=0)),
        TypeError,
        "expected a Sequential or Autoencoder, got Dense(2, 1)",
    ),
    "class": (
        dict(network=Sequential),
        TypeError,
        "expected a Sequential or Autoencoder, got <class",
    ),
    "NaN": (dict(network=poisoned(np.nan)), ValueError, "params: expected finite numbers"),
    "infinity": (dict(network=poisoned(-np.inf)), ValueError, "params: expected finite numbers"),
    "too deep": (
        dict(network=deeply(50)),
        ValueError,
        "at most 50 deep, got the kind 'Dense' at depth 51",
    ),
    "foreign optimizer": (
        dict(optimizer=Step(0.1)),
        TypeError,
        "got Step(learning_rate=0.1, momentum=0.0); call nnlib.register(Step) first",
    ),
    **{
        f"{name} that Python does not print": (
            {name: 10**5000},
            TypeError,
            f"{name}: expected {words}, got an int of 16610 bits",
        )
        for name, words in {
            "optimizer": "an Optimizer",
            "history": "a History",
            "rng": "a Generator or RandomState",
        }.items()
    },
    "no optimizer": (
        dict(optimizer="SGD"),
        TypeError,
        "optimizer: expected an Optimizer, got 'SGD'",
    ),
    "optimizer of another network": (
        dict(optimizer=used()),
        ValueError,
        "has been updating, got another vector of 26",
    ),
    "memory of another size": (
        dict(optimizer=heavy(np.zeros(3))),
        ValueError,
        "optimizer: expected velocity like the parameters, (26,) float64, got (3,)",
    ),
    "memory that is NaN": (
        dict(optimizer=heavy(np.full(26, np.nan))),
        ValueError,
        "optimizer: velocity: expected finite",
    ),
    "seed": (
        dict(rng=0),
        TypeError,
        "rng: expected a Generator or RandomState, got 0; a seed would start",
    ),
    "module": (dict(rng=np.random), TypeError, "rng: expected a Generator"),
    "history in a dict": (
        dict(history={"loss": []}),
        TypeError,
        "history: expected a History, got {'loss': []}",
    ),
    "history with NaN": (
        dict(history=History([np.nan])),
        ValueError,
        "history: loss: expected a finite number, got nan",
    ),
    "history in words": (
        dict(history=History(["0.5"])),
        TypeError,
        "history: loss: expected a finite number, got '0.5'",
    ),
    "history of too few epochs": (
        dict(history=History([1.0], [1.0], [2])),
        ValueError,
        "val_epochs: expected ints from 1 to 1, got 2",
    ),
    "history out of order": (
        dict(history=History([1.0, 1.0], [1.0, 1.0], [2, 1])),
        ValueError,
        "expected a rising epoch",
    ),
    "history with a gap": (
        dict(history=History([1.0], [1.0], [])),
        ValueError,
        "for each validation loss",
    ),
    "notes in a list": (dict(notes=[1]), TypeError, "notes: expected a dict that JSON can hold"),
    "notes with an array": (
        dict(notes={"a": np.zeros(2)}),
        TypeError,
        "notes: expected a dict that JSON can hold",
    ),
    "notes with NaN": (
        dict(notes={"a": np.nan}),
        TypeError,
        "notes: expected a dict that JSON can hold",
    ),
    "notes with infinity": (
        dict(notes={"a": np.inf}),
        TypeError,
        "notes: expected a dict that JSON can hold",
    ),
    "notes with a tuple": (dict(notes={"a": (1, 2)}), TypeError, "got {'a': (1, 2)}"),
    "notes with an int for a key": (dict(notes={1: 2}), TypeError, "got {1: 2}"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_saved_is_refused_and_the_old_file_stays(case, path):
    parts, error, words = REFUSED[case]
    put(path, started())
    arguments = dict(network=started().network) | parts
    with pytest.raises(error) as caught:
        save(path, arguments.pop("network"), **arguments)
    assert words in str(caught.value) and not isinstance(caught.value, CheckpointError)
    assert os.listdir(path.parent) == [path.name]
    assert_same(load(path), started())


def test_notes_in_a_circle(path):
    notes = {}
    notes["self"] = notes
    with pytest.raises(TypeError, match="notes: expected"):
        save(path, started().network, notes=notes)


def test_generators_of_others_are_refused(path, monkeypatch):
    monkeypatch.setattr(files, "BIT_GENERATORS", BIT_GENERATORS[:-1])
    with pytest.raises(
        TypeError, match="expected a generator by PCG64, PCG64DXSM, MT19937, Philox, got Generator"
    ):
        save(path, Sequential(ReLU()), rng=np.random.Generator(np.random.SFC64()))


def test_as_deep_as_allowed(path):
    save(path, deeply(49))
    assert load(path).network.params.size == 2


def test_texts_have_a_limit(path, monkeypatch):
    put(path, started())
    size = to_arrays(started())["checkpoint"].size
    monkeypatch.setattr(files, "TEXT_BYTES", size)
    put(path, started())
    with pytest.raises(ValueError, match=f"text: expected at most {size} bytes"):
        save(path, started().network, notes={"a": 2000 * "b"})
    monkeypatch.setattr(files, "TEXT_BYTES", 128)
    with pytest.raises(CheckpointError, match="text: expected at most 128 bytes"):
        load(path)


def test_texts_have_a_limit_of_lists(path):
    """Sixteen megabytes of empty lists took 450 MB before they were refused."""
    with pytest.raises(ValueError, match="text: expected at most 8388608 bytes and 100000 lists"):
        save(path, started().network, notes={"a": [[]] * 100_000})
    save(path, started().network, notes={"a": [[]] * 99_000})
    assert len(load(path).notes["a"]) == 99_000


def test_texts_have_a_limit_of_keys(path):
    """Six megabytes of keys took a hundred."""
    words = "text: expected at most 8388608 bytes and 100000 lists and objects, or colons"
    with pytest.raises(ValueError, match=words):
        save(path, started().network, notes={str(i): 1 for i in range(100_001)})


def test_paths_are_of_all_kinds(path):
    """Bytes were a path for `load`, and failed in the middle of `save`."""
    for kind in (os.fsencode(path), str(path), Path(path)):
        save(kind, started().network)
        assert load(kind).network.params.size == started().network.params.size


@pytest.mark.parametrize("wrong", [3, None, 2.5, ["a"]], ids=str)
def test_what_is_no_path_is_named(wrong, refuses):
    """The number of an open file was taken for one, and the file was closed."""
    for call in (load, lambda path: save(path, started().network)):
        with refuses(TypeError, f"path: expected a str or a path, got {wrong}"):
            call(wrong)


# ---- classes of the reader's own


class Scale(Layer):
    """Multiplies each feature by a parameter."""

    def __init__(self, n, start=1.0):
        self.n_in = self.n_out = n
        self.start = start
        self.params = np.full(n, start)

    def forward_into(self, x, y):
        np.multiply(x, self.params, out=y)

    def backward_into(self, x, y, dy, dx):
        self.grads[...] = (x * dy).sum(axis=0)
        if dx is not None:
            np.multiply(dy, self.params, out=dx)

    def config(self):
        return {"n": self.n_in, "start": self.start}


class Leaky(Layer):
    def __init__(self, slope=0.1):
        self.slope = slope

    def forward_into(self, x, y):
        np.maximum(x, self.slope * x, out=y)

    def backward_into(self, x, y, dy, dx):
        np.multiply(np.where(x > 0, 1, self.slope), dy, out=dx)

    def config(self):
        return {"slope": self.slope}


class Pair(Sequential):
    """Two dense layers, of one width between."""

    def __init__(self, width, dtype=np.float64):
        self.width = width
        super().__init__(Dense(3, width, dtype=dtype), Tanh(), Dense(width, 2, dtype=dtype))

    def config(self):
        return {"width": self.width}


class RMSProp(Optimizer):
    def update(self, params, grads):
        self.state["count"] = self.state.get("count", 0) + 1
        square = self.state_array("square")
        square += 0.1 * (grads**2 - square)
        params -= self.learning_rate * grads / (np.sqrt(square) + 1e-8)


@pytest.fixture
def own(monkeypatch):
    """Classes of the reader's own, registered for one test."""
    monkeypatch.setattr(registry, "KINDS", dict(KINDS))
    for cls in (Scale, Leaky, Pair, RMSProp):
        assert register(cls) is cls


def test_layers_and_optimizers_of_one_s_own(own, dtype, path):
    run = started(
        network=Sequential(
            Scale(3, 2.0),
            Dense(3, 4, rng=0),
            Leaky(0.3),
            Dense(4, 3, rng=2),
            Sequential(Pair(4), Dense(2, 2, rng=1)),
        )
        if dtype == np.float64
        else Sequential(Dense(3, 3, rng=0, dtype=dtype), Pair(4, dtype), Leaky())
    )
    run.optimizer = RMSProp(0.01)
    train(run, 3)
    put(path, run)
    again = load(path)
    assert again.network.params.dtype == dtype and repr(again.network) == repr(run.network)
    assert again.optimizer.state["count"] == run.optimizer.state["count"] > 0
    assert_array_equal(train(again, 6).network.params, train(run, 6).network.params)


def test_counters_of_long_training_runs_come_back(path):
    network, optimizer = Sequential(Dense(3, 2, rng=0)), Adam(0.01)
    optimizer.step(network.params, network.grads)
    optimizer.state["steps"] = 123_456
    save(path, network, optimizer=optimizer)
    assert load(path).optimizer.state["steps"] == 123_456


def test_a_layer_of_one_s_own_takes_the_precision_of_the_file(own, path):
    network = Sequential(Scale(2), Dense(2, 1, rng=0))
    network.bind(*np.ones((2, 5), np.float32))
    save(path, network)
    assert load(path).network.params.dtype == np.float32


@pytest.mark.parametrize("name", ["Scale", "RMSProp"])
def test_a_class_that_is_not_registered_is_refused_with_what_to_do(name, own, path, monkeypatch):
    run = started(network=Sequential(Scale(3), Dense(3, 2, rng=0)))
    run.optimizer = RMSProp(0.1)
    put(path, train(run, 3))
    monkeypatch.delitem(registry.KINDS, name)
    with pytest.raises(CheckpointError) as caught:
        load(path)
    message = str(caught.value)
    assert (
        str(path) in message and f"got the kind '{name}'" in message
    ) or f"got '{name}'" in message
    assert "must be registered before, by nnlib.register" in message
    with pytest.raises(TypeError, match=f"call nnlib.register\\({name}\\) first"):
        put(path, run)


class Built(Sequential):
    """Makes its own layers, and does not say from what."""

    def __init__(self, *, extra=False):
        super().__init__(Dense(3, 5, rng=0), Tanh(), Dense(5, 1, rng=1))


class Named(Layer):
    """Its only setting has the name that a file uses for the class."""

    def __init__(self, kind="Tanh"):
        self.activation = kind

    def forward_into(self, x, y):
        np.negative(x, out=y)

    def config(self):
        return {"kind": self.activation}


class Silent(Leaky):
    """Has a setting, and does not tell it."""

    def config(self):
        return {}


class Steep(Dense):
    def __init__(self, n_in, n_out, gain=1.0, **options):
        super().__init__(n_in, n_out, **options)
        self.gain = gain


class Unasked(Sequential):
    """Takes no layers, although its description has them."""

    def __init__(self):
        super().__init__(Dense(3, 2, rng=0))


@pytest.mark.parametrize(
    "network",
    [
        Built(),
        Sequential(Dense(3, 2, rng=0), Named()),
        Sequential(Dense(3, 2, rng=0), Silent(0.3)),
        Sequential(Steep(3, 2, gain=5.0, rng=0)),
        Unasked(),
    ],
    ids=lambda network: type(network.layers[-1] if len(network.layers) < 3 else network).__name__,
)
def test_what_could_not_be_loaded_is_not_saved(network, path, monkeypatch):
    """Files were written that came back as something else, or not at all."""
    monkeypatch.setattr(registry, "KINDS", dict(KINDS))
    for cls in (Built, Named, Silent, Steep, Unasked):
        register(cls)
    with pytest.raises(TypeError, match=r"save: .*config\(\)"):
        save(path, network)
    assert not path.exists()


def test_optimizers_with_untold_settings_or_many_arrays_are_not_saved(own, path):
    class Decaying(RMSProp):
        def __init__(self, learning_rate, decay=0.9):
            super().__init__(learning_rate)
            self.decay = decay

    class Noisy(RMSProp):
        def __init__(self, learning_rate, rng=None):
            super().__init__(learning_rate)
            self.rng = rng

    network = Sequential(Dense(3, 2, rng=0))
    register(Decaying)
    register(Noisy)
    with pytest.raises(TypeError, match=r"save: expected config\(\) of Noisy"):
        save(path, network, optimizer=Noisy(0.1, rng=3))
    with pytest.raises(TypeError, match=r"save: expected config\(\) of Decaying"):
        save(path, network, optimizer=Decaying(0.1, decay=0.5))
    many = SGD(0.1)
    many.state.update({f"part{k}": np.zeros_like(network.params) for k in range(120)})
    with pytest.raises(ValueError, match="expected a state of at most 90 arrays, got 120"):
        save(path, network, optimizer=many)
    assert not path.exists()
    most = RMSProp(0.1)
    most.state = {f"part{k}": np.zeros_like(network.params) for k in range(90)}
    register(RMSProp)
    save(path, network, optimizer=most)
    assert len(load(path).optimizer.state) == 90


@pytest.mark.parametrize("thing", [3, "Dense", Dense(1, 1), History, int], ids=repr)
def test_what_is_no_class_of_layers_is_not_registered(thing):
    with pytest.raises(TypeError, match="register: expected a class of layers or optimizers, got"):
        register(thing)


def test_names_of_the_package_cannot_be_taken(own):
    with pytest.raises(ValueError, match="register: expected a class with a name of its own, got"):
        register(type("Dense", (Layer,), {"__module__": __name__}))
    assert registry.KINDS["Dense"] is Dense
    again = type("Leaky", (Leaky,), {"__module__": __name__})  # a cell that is run again
    assert register(again) is registry.KINDS["Leaky"]


@pytest.mark.parametrize("slope", [np.float32(0.1), object(), np.nan, {1, 2}])
def test_settings_that_json_cannot_hold_are_refused(slope, own, path):
    with pytest.raises(
        TypeError,
        match=r"save: expected config\(\) to return what JSON can hold, "
        r"got \{'layers'.* of Sequential\(Leaky",
    ):
        save(path, Sequential(Leaky(slope)))


def test_settings_that_make_another_network_are_refused(own, path):
    class Wider(Pair):
        def config(self):
            return {"width": self.width + 1}

    register(Wider)
    with pytest.raises(ValueError, match="params: expected 32 numbers, got 26"):
        save(path, Wider(4))
    assert not path.exists()


def test_momentum_that_was_set_to_zero_can_be_saved(path):
    run = started()
    run.optimizer.momentum = 0.0
    put(path, run)
    assert load(path).optimizer.config() == {"learning_rate": 0.1, "momentum": 0.0}
    assert_array_equal(train(load(path), 5).network.params, train(run, 5).network.params)


@pytest.mark.parametrize("vector", ["params", "grads"])
def test_a_network_with_a_layer_torn_off_is_refused(vector, path):
    put(path, started())
    network = started().network
    first, *_ = network.layers
    if vector == "params":
        first.bind(network.params[4:20], network.grads[:16])
    else:
        first.bind(network.params[:16], network.grads[4:20])
    with pytest.raises(
        ValueError, match=f"network: expected its layers to share its {vector}, but Dense"
    ):
        save(path, network)
    assert_same(load(path), started())


def test_a_network_with_a_layer_too_few_is_refused(path):
    network = started().network
    network._leaves = network._leaves[:-1]
    with pytest.raises(ValueError, match="network: expected its layers to share all its params"):
        save(path, network)


# ---- damaged files


@pytest.fixture(scope="module")
def small():
    """The bytes of a small checkpoint with all parts, and its members."""
    run = Checkpoint(
        Sequential(Dense(1, 1, rng=0)),
        heavy(np.ones(2)),
        np.random.default_rng(0),
        History([1.0], [1.0], [1]),
    )
    return archive(members_of(run)), members_of(run)


def test_every_truncation_is_refused(small):
    loads(small[0])
    for size in range(len(small[0])):
        with pytest.raises(CheckpointError):
            loads(small[0][:size])


def test_every_flipped_bit_is_refused(small):
    loads(small[0])
    for i in range(8 * len(small[0])):
        data = bytearray(small[0])
        data[i // 8] ^= 1 << i % 8
        with pytest.raises(CheckpointError):
            loads(bytes(data))


def test_more_at_the_end_or_the_beginning_is_refused(small):
    for data in (small[0] + b"\n", small[0] + small[0][-64:], b"\n" + small[0], small[0] * 2):
        with pytest.raises(CheckpointError):
            loads(data)


def npz(**arrays):
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


TEMPORARY = tempfile.TemporaryDirectory()
MARK = Path(TEMPORARY.name) / "sprung"


class Trap:
    """Unpickled, it makes a folder."""

    def __reduce__(self):
        return os.mkdir, (str(MARK),)


def test_the_trap_springs_when_unpickled():
    pickle.loads(pickle.dumps(Trap()))
    MARK.rmdir()


FOREIGN = {
    "empty": b"",
    "one byte": b"\0",
    "picture": b"\x89PNG\r\n\x1a\n" + bytes(1000),
    "text": b"hello\n" * 100,
    "digits": b"0" * 200,
    "pickle": pickle.dumps(Trap()),
    "archive of arrays": npz(params=np.zeros(4)),
    "empty archive": b"PK\5\6" + bytes(18),
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_foreign_files_are_refused(kind, path):
    path.write_bytes(FOREIGN[kind])
    with pytest.raises(CheckpointError) as caught:
        load(path)
    assert str(caught.value).startswith(f"{path}: no whole checkpoint: it") and isinstance(
        caught.value, ValueError
    )
    assert not MARK.exists()


# ---- hostile files: all have a valid checksum


def signed(data):
    file = io.BytesIO(data)
    append_checksum(file)
    return file.getvalue()


def forged(members, change=None, **arrays):
    text = json.loads(members["checkpoint"][128:])
    if change:
        change(text)
    code = pack(np.frombuffer(json.dumps(text).encode(), np.uint8))
    return archive(members | {"checkpoint": code} | arrays)


def raw_text(text):
    return pack(np.frombuffer(text, np.uint8))


def zipped(members, method=zipfile.ZIP_STORED, tamper=lambda archive: None):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(f"{name}.npy", data)
        tamper(archive)
    return signed(file.getvalue())


def network(**spec):
    return lambda text: text.update(network=spec)


def layers(*specs):
    return network(kind="Sequential", layers=list(specs))


def state(*path, **values):
    def change(text):
        part = text["rng"]["state"]
        for key in path:
            part = part[key]
        part.update(values)

    return change


def rng(bits, kind="Generator", **values):
    """Put in the state of another generator, changed."""

    def change(text):
        made = (
            np.random.Generator(bits(0)) if kind == "Generator" else np.random.RandomState(bits(0))
        )
        text["rng"] = rng_to_config(made)
        for holder in (text["rng"]["state"], text["rng"]["state"]["state"]):
            holder.update({key: value for key, value in values.items() if key in holder})

    return change


def part(name, **values):
    return lambda text: text[name].update(values)


def whole(**values):
    return lambda text: text.update(values)


def nest(depth):
    spec = {"kind": "Dense", "n_in": 1, "n_out": 1}
    for _ in range(depth):
        spec = {"kind": "Sequential", "layers": [spec]}
    return whole(network=spec)


DENSE = {"kind": "Dense", "n_in": 1, "n_out": 1}
HUGE = 2**31
TEXTS = {
    "version to come": (whole(version=2), "version 1 of the format"),
    "version true": (whole(version=True), "expected version of type int, got bool"),
    "other format": (whole(format="zip"), "expected a checkpoint of nnlib"),
    "key too many": (whole(more=1), "text: expected an object with the keys format, version"),
    "key too few": (lambda text: text.pop("rng"), "text: expected an object with the keys"),
    "dtype of objects": (whole(dtype="object"), "expected dtype float32 or float64, got 'object'"),
    "dtype float16": (whole(dtype="float16"), "expected dtype float32 or float64"),
    "other dtype": (
        whole(dtype="float32"),
        "params: expected 2 numbers of type float32, got 2 of float64",
    ),
    "notes in a list": (whole(notes=[1]), "notes: expected an object, got list"),
    "no network": (whole(network=None), "expected network of type dict, got NoneType"),
    "unknown kind": (
        layers({"kind": "Conv"}),
        (
            "got the kind 'Conv' at depth 1; "
            "a class of your own must be registered before, by nnlib.register"
        ),
    ),
    "kind of a function": (layers({"kind": "eval"}), "got the kind 'eval'"),
    "kind in a list": (layers({"kind": ["Dense"]}), "got the kind ['Dense']"),
    "layer in a list": (layers([DENSE]), "got the kind None at depth 1"),
    "bare layer": (whole(network=DENSE), "expected Sequential or Autoencoder, got Dense(1, 1)"),
    "no layers": (
        lambda text: text.update(optimizer=None, network={"kind": "Sequential", "layers": []}),
        "expected the arrays checkpoint, params, got",
    ),
    "layers in a dict": (
        network(kind="Sequential", layers={"a": DENSE}),
        "Sequential: expected layers of type list, got dict",
    ),
    "key too many in a layer": (
        layers(DENSE | {"init": "he"}),
        "Dense: expected an object with the keys kind, n_in, n_out",
    ),
    "arguments to an activation": (layers(DENSE, {"kind": "ReLU", "x": 1}), "arguments"),
    "size zero": (
        layers({"kind": "Dense", "n_in": 0, "n_out": 2}),
        "Dense: expected ints from 1 to 2147483648, got 0",
    ),
    "negative sizes": (
        layers({"kind": "Dense", "n_in": -2, "n_out": -2}),
        "Dense: expected ints from 1 to 2147483648, got -2",
    ),
    "sizes that cancel": (
        layers(
            {"kind": "Dense", "n_in": 10**6, "n_out": 10**6},
            {"kind": "Dense", "n_in": 10**6, "n_out": -(10**6)},
        ),
        "got -1000000",
    ),
    "size true": (
        layers({"kind": "Dense", "n_in": True, "n_out": 1}),
        "Dense: expected n_in of type int, got bool",
    ),
    "size as a float": (
        layers({"kind": "Dense", "n_in": 1.0, "n_out": 1}),
        "Dense: expected n_in of type int, got float",
    ),
    "absurd sizes": (
        layers({"kind": "Dense", "n_in": HUGE, "n_out": HUGE}),
        f"params: expected {(HUGE + 1) * HUGE} numbers, got 2",
    ),
    "more than absurd": (
        layers({"kind": "Dense", "n_in": 10**4000, "n_out": 1}),
        "Dense: expected ints from 1 to 2147483648, got 1000000",
    ),
    "another size": (
        layers({"kind": "Dense", "n_in": 2, "n_out": 1}),
        "params: expected 3 numbers, got 2",
    ),
    "widths that do not fit": (
        lambda text: text.update(optimizer=None, network={"kind": "Autoencoder", "sizes": [1]}),
        "expected the arrays",
    ),
    "autoencoder without sizes": (network(kind="Autoencoder", sizes=[]), "sizes"),
    "autoencoder of words": (
        network(kind="Autoencoder", sizes=["a", "b"]),
        "Autoencoder: expected ints from 1",
    ),
    "absurd autoencoder": (
        network(kind="Autoencoder", sizes=[10**9, 10**9]),
        "params: expected 2000000002000000000 numbers, got 2",
    ),
    "too many layers": (
        layers(*[{"kind": "ReLU"}] * 1000),
        "network: expected at most 1000 layers",
    ),
    "too many widths": (
        network(kind="Autoencoder", sizes=[1] * 1000),
        "network: expected at most 1000 layers",
    ),
    "an optimizer for a layer": (
        layers({"kind": "SGD", "learning_rate": 1}),
        "got the kind 'SGD' at depth 1",
    ),
    "a layer for an optimizer": (
        part("optimizer", kind="Dense"),
        "optimizer: expected a known kind, got 'Dense'",
    ),
    "too deep": (nest(51), "at most 50 deep, got the kind 'Dense' at depth 51"),
    "unknown optimizer": (
        part("optimizer", kind="Optimizer"),
        (
            "optimizer: expected a known kind, got 'Optimizer'; "
            "a class of your own must be registered"
        ),
    ),
    "optimizer in a list": (
        whole(optimizer=["SGD"]),
        "expected the arrays checkpoint, params, got",
    ),
    "unknown setting": (
        part("optimizer", settings={"learning_rate": 0.1, "lr": 1}),
        "unexpected keyword argument 'lr'",
    ),
    "infinite rate": (
        part("optimizer", settings={"learning_rate": 1e308 * 10}),
        "expected finite numbers, got Infinity",
    ),
    "negative rate": (
        part("optimizer", settings={"learning_rate": -1}),
        "learning_rate: expected a finite number of at least 0, got -1",
    ),
    "rate in words": (
        part("optimizer", settings={"learning_rate": "0.1"}),
        "learning_rate: expected a finite number of at least 0, got '0.1'",
    ),
    "memory of another name": (
        part("optimizer", memory=["params"]),
        "expected the arrays checkpoint, params, optimizer.params",
    ),
    "memory that is a path": (
        part("optimizer", memory=["../velocity"]),
        "expected the arrays checkpoint, params, optimizer.../velocity",
    ),
    "memory twice": (part("optimizer", memory=["velocity", "velocity"]), "expected the arrays"),
    "memory of another optimizer": (
        lambda text: text["optimizer"].update(kind="Adam", settings={}),
        "optimizer: expected a state of ('mean', 'square'), got ['velocity']",
    ),
    "memory as a number": (part("optimizer", memory=3), "not iterable"),
    "counter": (part("optimizer", counters={"_params": 1}), "counters of SGD: expected an object"),
    "rng of no kind": (
        part("rng", kind="Random"),
        "rng: expected a kind of generator, got 'Random' by 'PCG64'",
    ),
    "rng by nobody": (
        state(bit_generator="os"),
        "rng: expected a kind of generator, got 'Generator' by 'os'",
    ),
    "rng by a list": (state(bit_generator=["PCG64"]), "got 'Generator' by ['PCG64']"),
    "state with a key more": (
        state(more=1),
        "state: expected an object with the keys bit_generator, state",
    ),
    "state too large": (state("state", state=2**128), "rng: state: expected ints from 0 to"),
    "state negative": (state("state", inc=-1), "rng: inc: expected ints from 0 to"),
    "state as a float": (state("state", inc=1.0), "rng: inc: expected ints from 0 to"),
    "flag as a truth": (
        state(has_uint32=True),
        "rng: has_uint32: expected ints from 0 to 1, got True",
    ),
    "flag of two": (state(has_uint32=2), "rng: has_uint32: expected ints from 0 to 1, got 2"),
    "rest too large": (state(uinteger=2**32), "rng: uinteger: expected ints from 0 to 4294967295"),
    "twister astray": (
        rng(np.random.MT19937, pos=625),
        "rng: pos: expected ints from 0 to 624, got 625",
    ),
    "twister before its start": (
        rng(np.random.MT19937, pos=-1),
        "rng: pos: expected ints from 0 to 624, got -1",
    ),
    "twister too short": (
        rng(np.random.MT19937, key=[1] * 623),
        "rng: expected key to be a list of 624 ints",
    ),
    "twister of large numbers": (
        rng(np.random.MT19937, key=[2**32] * 624),
        "rng: key: expected ints from 0 to 4294967295",
    ),
    "twister of no numbers": (
        rng(np.random.MT19937, key="key"),
        "rng: expected key to be a list of 624 ints",
    ),
    "Philox astray": (
        rng(np.random.Philox, buffer_pos=5),
        "rng: buffer_pos: expected ints from 1 to 4, got 5",
    ),
    "Philox before its start": (
        rng(np.random.Philox, buffer_pos=0),
        "rng: buffer_pos: expected ints from 1 to 4, got 0",
    ),
    "Philox of large numbers": (
        rng(np.random.Philox, counter=[2**64] * 4),
        "rng: counter: expected ints",
    ),
    "SFC64 too long": (rng(np.random.SFC64, state=[1] * 5), "state"),
    "legacy flag": (
        rng(np.random.MT19937, "RandomState", has_gauss=2),
        "rng: has_gauss: expected ints from 0 to 1",
    ),
    "legacy normal in words": (
        rng(np.random.MT19937, "RandomState", gauss="0"),
        "rng: expected gauss like 0.0, got '0'",
    ),
    "history in a list": (
        whole(history=[1]),
        "history: expected an object with the keys loss, val_loss, val_epochs",
    ),
    "history in words": (
        part("history", loss=["1"]),
        "history: expected losses to be finite floats, got '1'",
    ),
    "history of whole numbers": (
        part("history", loss=[1]),
        "history: expected losses to be finite floats, got 1",
    ),
    "validation before the start": (
        part("history", val_epochs=[0]),
        "history: val_epochs: expected ints from 1 to 1, got 0",
    ),
    "validation after the end": (
        part("history", val_epochs=[2]),
        "history: val_epochs: expected ints from 1 to 1, got 2",
    ),
    "validation without an epoch": (
        part("history", val_epochs=[]),
        "expected a rising epoch for each validation loss",
    ),
    "validation twice": (
        part("history", val_epochs=[1, 1], val_loss=[1.0, 1.0]),
        "expected a rising epoch",
    ),
}


@pytest.mark.parametrize("case", TEXTS)
def test_hostile_texts_are_refused(case, small):
    change, words = TEXTS[case]
    with pytest.raises(CheckpointError) as caught:
        loads(forged(small[1], change))
    assert str(caught.value).startswith("bytes.npz: no whole checkpoint: ") and words in str(
        caught.value
    )
    assert len(str(caught.value)) < 1000


def test_a_forged_file_without_a_fault_is_read(small):
    assert loads(forged(small[1])).network.params.size == 2


@pytest.mark.parametrize("kind", ["Generator", "RandomState"])
@pytest.mark.parametrize(
    "bits", [getattr(np.random, name) for name in BIT_GENERATORS], ids=BIT_GENERATORS
)
def test_states_within_their_bounds_are_read(bits, kind, small):
    loads(
        forged(
            small[1],
            rng(bits, kind, pos=624, buffer_pos=1, has_uint32=1, uinteger=2**32 - 1, has_gauss=1),
        )
    ).rng.random()


def marked(data, local, value):
    """Set a byte of each member's header, and of its entry in the directory, where it stands two
    bytes later.
    """
    data = bytearray(data[:-64])
    for mark, place in ((b"PK\3\4", local), (b"PK\1\2", local + 2)):
        start = data.find(mark)
        while start >= 0:
            data[start + place] |= value
            start = data.find(mark, start + 1)
    data[-2:] = b"\0\0"
    return signed(bytes(data))


def resized(data, size):
    """Claim another size for the member of the parameters, in the directory."""
    data = bytearray(data[:-64])
    entry = data.rfind(b"params.npy") - 46
    data[entry + 20 : entry + 28] = 2 * size.to_bytes(4, "little")
    data[-2:] = b"\0\0"
    return signed(bytes(data))


def twice(archive):
    with pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("params.npy", pack(np.ones(2)))


def entries(n):
    """A zip archive with n members of no bytes, which all claim the same place."""
    entry = b"PK\1\2" + bytes(24) + b"\1\0" + bytes(16) + b"a"
    return (
        entry * n
        + b"PK\5\6"
        + bytes(4)
        + 2 * min(n, 65535).to_bytes(2, "little")
        + (len(entry) * n).to_bytes(4, "little")
        + bytes(6)
    )


def huge(n):
    """An array that announces n numbers, and has two."""
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        file, {"descr": "<f8", "fortran_order": False, "shape": (n,)}
    )
    return file.getvalue() + bytes(16)


FILES = {
    "object array": (
        lambda m: archive(m | {"params": npy(np.array([Trap(), Trap()]))}),
        "'params.npy': expected a vector of floats or bytes, got shape (2,) of object",
    ),
    "object array for a text": (
        lambda m: archive(m | {"checkpoint": npy(np.array([Trap(), Trap()]))}),
        "'checkpoint.npy': expected a vector of floats or bytes",
    ),
    "pickle for a text": (
        lambda m: archive(m | {"checkpoint": pickle.dumps(Trap())}),
        "'checkpoint.npy': expected an array in version 1",
    ),
    "pickle for an array": (
        lambda m: archive(m | {"params": pickle.dumps(Trap())}),
        "'params.npy': expected an array in version 1",
    ),
    "pickle behind an array": (
        lambda m: archive(m | {"params": m["params"] + pickle.dumps(Trap())}),
        "'params.npy': expected 2 numbers of float64, got ",
    ),
    "array cut short": (
        lambda m: archive(m | {"params": m["params"][:-1]}),
        "'params.npy': expected 2 numbers of float64, got 15 bytes",
    ),
    "no array": (
        lambda m: archive(m | {"params": b""}),
        "'params.npy': expected an array in version 1",
    ),
    "matrix": (
        lambda m: archive(m | {"params": npy(np.ones((1, 2)))}),
        "'params.npy': expected a vector of floats or bytes, got shape (1, 2) of float64",
    ),
    "ints": (
        lambda m: archive(m | {"params": npy(np.ones(2, np.int64))}),
        "got shape (2,) of int64",
    ),
    "other byte order": (
        lambda m: archive(m | {"params": npy(np.ones(2, ">f8"))}),
        "got shape (2,) of >f8",
    ),
    "long header": (
        lambda m: archive(m | {"params": b"\x93NUMPY\x02\x00\xff\xff\xff\x7f" + b"(" * 10**6}),
        "'params.npy': expected an array in version 1",
    ),
    "deep header": (
        lambda m: archive(m | {"params": b"\x93NUMPY\x01\x00\xff\xff" + b"(" * 65535}),
        "",
    ),
    "NaN": (
        lambda m: archive(m | {"params": pack(np.array([1, np.nan]))}),
        "params: expected finite numbers",
    ),
    "array missing": (
        lambda m: archive({k: v for k, v in m.items() if k != "params"}),
        "expected the arrays checkpoint, params, optimizer.velocity, got",
    ),
    "text missing": (
        lambda m: archive({k: v for k, v in m.items() if k != "checkpoint"}),
        "text: expected an array of bytes named checkpoint",
    ),
    "text in floats": (
        lambda m: archive(m | {"checkpoint": m["params"]}),
        "text: expected an array of bytes",
    ),
    "no members": (lambda m: archive({}), "text: expected an array of bytes"),
    "array too many": (
        lambda m: archive(m | {"more": pack(np.ones(2))}),
        "got 'checkpoint', 'params', 'optimizer.velocity', 'more'",
    ),
    "absolute path": (
        lambda m: archive(m | {"/tmp/evil": npy(np.ones(2))}),
        "got 'checkpoint', 'params', 'optimizer.velocity', '/tmp/evil'",
    ),
    "path upward": (lambda m: archive(m | {"../evil": npy(np.ones(2))}), "'../evil'"),
    "long name": (lambda m: archive(m | {"n" * 60_000: npy(np.ones(2))}), "'nnnnn"),
    "deep lists": (
        lambda m: archive(m | {"checkpoint": raw_text(b"[" * 99_000)}),
        "text: nested too deeply",
    ),
    "deep objects": (
        lambda m: archive(m | {"checkpoint": raw_text(b'{"a":' * 99_000)}),
        "text: nested too deeply",
    ),
    "no JSON": (lambda m: archive(m | {"checkpoint": raw_text(b"import os")}), "Expecting value"),
    "NaN in JSON": (
        lambda m: archive(m | {"checkpoint": raw_text(b"[NaN]")}),
        "text: expected finite numbers, got NaN",
    ),
    "a list": (
        lambda m: archive(m | {"checkpoint": raw_text(b"[]")}),
        "expected a checkpoint of nnlib",
    ),
    "a long number": (lambda m: archive(m | {"checkpoint": raw_text(b"9" * 5000)}), "digits"),
    "UTF-16": (
        lambda m: archive(m | {"checkpoint": raw_text("{}".encode("utf-16"))}),
        "can't decode",
    ),
    "rate that overflows": (
        lambda m: archive(
            m
            | {
                "checkpoint": pack(
                    np.frombuffer(
                        m["checkpoint"][128:].replace(
                            b'"learning_rate": 0.1', b'"learning_rate": 1e999'
                        ),
                        np.uint8,
                    )
                )
            }
        ),
        "learning_rate: expected a finite number of at least 0, got inf",
    ),
    "loss that overflows": (
        lambda m: archive(
            m
            | {
                "checkpoint": pack(
                    np.frombuffer(
                        m["checkpoint"][128:].replace(b'"loss": [1.0]', b'"loss": [1e999]'),
                        np.uint8,
                    )
                )
            }
        ),
        "finite floats, got inf",
    ),
    "compressed": (
        lambda m: zipped(m, zipfile.ZIP_DEFLATED),
        "'checkpoint.npy': expected a member that is not compressed",
    ),
    "compressed otherwise": (
        lambda m: zipped(m, zipfile.ZIP_LZMA),
        "expected a member that is not compressed",
    ),
    "bomb": (
        lambda m: zipped(m | {"params": bytes(10**7)}, zipfile.ZIP_DEFLATED),
        "expected a member that is not compressed",
    ),
    "one name twice": (lambda m: zipped(m, tamper=twice), "two of its members have the same name"),
    "encrypted": (lambda m: marked(archive(m), 6, 1), "encrypted"),
    "said to be compressed": (
        lambda m: marked(archive(m), 8, zipfile.ZIP_DEFLATED),
        "expected a member that is not compressed",
    ),
    "four gigabytes claimed": (
        lambda m: resized(archive(m), 2**32 - 2),
        "its members claim more bytes than it has",
    ),
    "more claimed than there is": (lambda m: resized(archive(m), 600), "more bytes than it has"),
    "directory gone": (
        lambda m: signed(archive(m)[:-400] + b"PK\5\6" + bytes(18)),
        "text: expected an array of bytes",
    ),
    "directory elsewhere": (lambda m: signed(b"PK\5\6" + b"\xff" * 18), ""),
    "three hundred thousand members": (
        lambda m: signed(entries(300_000)),
        "expected a directory of at most 100 members",
    ),
    "a second directory": (
        lambda m: signed(archive(m)[:-86] + b"PK\6\7" + bytes(16) + archive(m)[-86:-64]),
        "expected a directory of at most 100",
    ),
    "a trillion numbers announced": (
        lambda m: archive(m | {"params": huge(10**12)}),
        "'params.npy': expected 1000000000000 numbers of float64, got 16 bytes",
    ),
    "fewer than no numbers announced": (
        lambda m: archive(m | {"params": huge(-5)}),
        "'params.npy'",
    ),
    "no archive": (lambda m: signed(b"no archive"), "not a zip file"),
}


@pytest.mark.parametrize("case", FILES)
def test_hostile_files_are_refused(case, small, path):
    make, words = FILES[case]
    path.write_bytes(make(small[1]))
    with pytest.raises(CheckpointError) as caught:
        load(path)
    assert str(caught.value).startswith(f"{path}: no whole checkpoint: ") and words in str(
        caught.value
    )
    assert not MARK.exists() and os.listdir(path.parent) == [path.name]


def places(value, found):
    """List all containers of a JSON value with their keys."""
    for key, inner in list(value.items() if isinstance(value, dict) else enumerate(value)):
        found.append((value, key))
        if isinstance(inner, (dict, list)):
            places(inner, found)
    return found


ODD = [
    None,
    True,
    -1,
    0,
    1,
    2,
    2**31,
    2**64,
    10**40,
    0.5,
    -1.5,
    1e308,
    "",
    "Dense",
    "SGD",
    "velocity",
    "PCG64",
    [],
    [1],
    [[]],
    {},
    {"kind": "ReLU"},
    {"kind": "Sequential", "layers": []},
    "\ud800",
    "é",
]


def test_texts_changed_at_random_are_read_or_refused(small):
    """Whatever stands in the text, nothing else is raised and nothing strange comes out."""
    chance, read = random.Random(0), 0
    for _ in range(3000):

        def change(text):
            for _ in range(chance.randint(1, 3)):
                holder, key = chance.choice(places(text, []))
                if isinstance(holder, dict) and chance.random() < 0.1:
                    holder.pop(key)
                else:
                    holder[key] = copy.deepcopy(chance.choice(ODD))

        said = ""
        try:
            run = loads(forged(small[1], change))
        except CheckpointError as error:
            said = str(error)
        assert len(said) < 1000
        if not said:
            read += 1
            assert run.network.params.size == 2
            put_again = loads(archive(members_of(run)))
            assert put_again.network.params.tobytes() == run.network.params.tobytes()
            if run.rng is not None:
                run.rng.random()
    assert 0 < read < 1500


def test_archives_changed_at_random_are_read_or_refused(small):
    chance = random.Random(0)
    for _ in range(3000):
        data = bytearray(small[0][:-64])
        for _ in range(chance.randint(1, 4)):
            data[chance.randrange(len(data))] = chance.choice([0, 1, 255, chance.randrange(256)])
        data[-2:] = b"\0\0"
        with suppress(CheckpointError):
            loads(signed(bytes(data)))


# ---- kills


COMMON = """
import itertools, os, random, signal, sys, time
import numpy as np
from nnlib import SGD, Dense, History, MSELoss, Sequential, Tanh
from nnlib.checkpoint import Checkpoint, load, save

path, chance, kills = sys.argv[1], random.Random(0), 0

def spawn(work):
    # Start a process; return its number, and a pipe from which a byte comes when a save begins.
    ready, sign = os.pipe()
    pid = os.fork()
    if pid:
        os.close(sign)
        return pid, ready
    try:
        os.close(ready)
        work(lambda: os.write(sign, b"."))
        os._exit(0)
    finally:
        os._exit(1)

def wait(process):
    status = os.waitpid(process[0], 0)[1]
    os.close(process[1])
    return status

def kill(process, after):
    # this time after its first save began
    os.read(process[1], 1)
    time.sleep(after)
    os.kill(process[0], signal.SIGKILL)
    status = wait(process)
    assert status == 0 or os.WIFSIGNALED(status), "it failed by itself"
    return status != 0
"""

TRAINING = (
    COMMON
    + """
data = np.random.default_rng(0).normal(size=(60, 4))
X, y = data[:, :3], data[:, 3:]

def begin():
    rng = np.random.default_rng(1)
    network = Sequential(Dense(3, 8, rng=rng), Tanh(), Dense(8, 1, rng=rng))
    return Checkpoint(network, SGD(0.05, momentum=0.9), rng, History())

def train(run, callback=None):
    run.network.fit(X[20:], y[20:], loss=MSELoss(), optimizer=run.optimizer, epochs=120,
                    batch_size=7, rng=run.rng, validation_data=(X[:20], y[:20]),
                    validation_interval=3, history=run.history, callback=callback)
    return run

def work(sign):
    run = load(path) if os.path.exists(path) else begin()

    def keep(history):
        sign()
        save(path, run.network, optimizer=run.optimizer, rng=run.rng, history=history)

    train(run, keep)

stops = set()
for _ in range(60):
    # later and later, for slow machines
    if not kill(spawn(work), chance.uniform(0, 0.02 + 0.003 * kills)):
        break
    kills += 1
    stops.add(len(load(path).history.loss) if os.path.exists(path) else 0)
assert wait(spawn(work)) == 0
last, whole = load(path), train(begin())
assert last.network.params.tobytes() == whole.network.params.tobytes()
assert last.optimizer.state["velocity"].tobytes() == whole.optimizer.state["velocity"].tobytes()
assert last.history == whole.history
assert len(whole.history.loss) == 120 and len(whole.history.val_loss) == 40
assert last.rng.bit_generator.state == whole.rng.bit_generator.state
print(kills, len(stops))
"""
)

SAVING = (
    COMMON
    + """
network = Sequential(Dense(400, 400))
network.params[...] = 0
start = time.perf_counter()
save(path, network, notes={"k": 0})
duration = time.perf_counter() - start

def work(sign):
    for k in itertools.count(load(path).notes["k"] + 1):
        network.params[...] = k
        sign()
        save(path, network, notes={"k": k})

def orphans():
    return [name for name in os.listdir(os.path.dirname(path)) if name.endswith(".tmp")]

cut = 0  # kills in the middle of a write
while kills < 40 or (kills < 400 and (run.notes["k"] < 5 or cut < 3)):
    assert kill(spawn(work), chance.uniform(0, 3 * duration))
    run, kills = load(path), kills + 1
    assert (run.network.params == run.notes["k"]).all()
    assert len(orphans()) <= 1
    cut += len(orphans())
save(path, network)
print(run.notes["k"], cut, len(orphans()))
"""
)


def script(code, path):
    """Run a script in a process of its own, and return the numbers that it prints."""
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1"}
    result = subprocess.run(
        [sys.executable, "-c", code, str(path)],
        check=False,
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    return map(int, result.stdout.split())


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
class TestKills:
    """SIGKILL cannot be caught: what is on disk is all there is."""

    def test_a_training_killed_many_times_ends_like_one_that_was_not(self, path):
        kills, stops = script(TRAINING, path)
        assert kills >= 5 and stops >= 3

    def test_a_save_killed_at_any_moment_leaves_a_whole_file(self, path):
        saved, cut, left = script(SAVING, path)
        assert saved >= 5 and cut >= 3 and left == 0


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_a_private_file_stays_private(path):
    """A file of mode 0600 became readable for all when it was saved again."""
    save(path, Sequential(Dense(2, 1, rng=0)))
    path.chmod(0o600)
    save(path, Sequential(Dense(2, 1, rng=1)))
    assert path.stat().st_mode & 0o777 == 0o600


def test_an_optimizer_memory_that_is_not_finite_is_refused():
    spec = {
        "kind": "SGD",
        "settings": {"learning_rate": 0.1, "momentum": 0.9},
        "memory": ["velocity"],
        "counters": {},
    }
    with pytest.raises(ValueError, match=r"optimizer\.velocity: expected finite numbers, got nan"):
        optimizer_from_config(spec, {"optimizer.velocity": np.array([1.0, np.nan])})


def test_saving_makes_no_copy_of_the_numbers(path):
    """It held four times the file in memory."""
    import tracemalloc

    network = Sequential(Dense(3000, 3000, rng=0))
    tracemalloc.start()
    save(path, network)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < network.params.nbytes / 2  # NumPy writes pieces of 16 MB


LARGE = {
    "one layer": lambda: Sequential(Dense(1000, 4000, rng=0)),
    "single precision": lambda: Sequential(Dense(2000, 4000, rng=0, dtype=np.float32)),
    "in networks": lambda: Sequential(Sequential(Dense(2000, 2000, rng=0)), Dense(2000, 9, rng=1)),
    "an autoencoder": lambda: Autoencoder((2000, 2000, 3), rng=0),
}


def test_layers_of_the_reader_s_own_are_not_copied_to_make_the_network(own, path):
    """Only what they have allocated themselves comes on top."""
    import tracemalloc

    class Shift(Layer):
        def __init__(self):
            self.params = np.zeros(2_000_000)

    register(Shift)
    save(path, Sequential(Sequential(Shift()), Dense(2, 3, rng=0)))
    tracemalloc.start()
    load(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4.05 * path.stat().st_size


@pytest.mark.parametrize("make", LARGE.values(), ids=LARGE)
def test_loading_holds_twice_the_file(make, path):
    """The parameters, and their gradients; it was five times, with weights drawn for nothing."""
    import tracemalloc

    network = make()
    save(path, network)
    tracemalloc.start()
    loaded = load(path).network
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2.05 * path.stat().st_size
    assert loaded.params.tobytes() == network.params.tobytes()
    for leaf in loaded.leaves:
        assert not leaf.params.size or np.shares_memory(leaf.params, loaded.params)
        assert not leaf.params.size or np.shares_memory(leaf.grads, loaded.grads)
    assert loaded.params.flags.writeable and not loaded.grads.any()


@pytest.mark.skipif(os.name == "nt", reason="hard links need rights there")
def test_another_hard_link_keeps_the_old_content(path, tmp_path):
    save(path, started(0).network)
    os.link(path, tmp_path / "other")
    old = path.read_bytes()
    save(path, started(1).network)
    assert (tmp_path / "other").read_bytes() == old != path.read_bytes()


@pytest.mark.skipif(os.name == "nt", reason="what is read-only cannot be replaced there")
def test_a_read_only_file_is_replaced_and_stays_read_only(path):
    """Whether a name may be replaced is up to its folder."""
    save(path, started(0).network)
    path.chmod(0o400)
    save(path, started(1).network)
    assert stat.S_IMODE(path.stat().st_mode) == 0o400
    assert load(path).network.params.tobytes() == started(1).network.params.tobytes()


@pytest.mark.skipif(getattr(os, "geteuid", lambda: 1)() != 0, reason="only root gives files away")
def test_the_new_file_belongs_to_whoever_saves(path):
    save(path, started(0).network)
    os.chown(path, 1234, 1234)
    save(path, started(1).network)
    assert path.stat().st_uid == os.geteuid()


@pytest.mark.parametrize("path", ["", "a\0b", b"a\0b", "a\ud800"], ids=repr)
def test_what_no_file_can_be_called_is_refused(path, refuses):
    """The messages were Python's own, about null bytes and codecs."""
    for call in (load, lambda where: save(where, Sequential(Dense(1, 1, rng=0)))):
        with refuses(ValueError, f"path: expected the name of a file, got {path!r}"):
            call(path)
