"""MNIST and its division: verified bytes, scikit-learn's indices, and refusals."""

import functools
import gzip
import hashlib
import http.server
import shutil
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from sklearn.model_selection import train_test_split

from nnlib import load_mnist, stratified_split
from nnlib.data import MNIST, apportion, data_folder, download, parse_idx, read_verified

LABELS = "t10k-labels-idx1-ubyte.gz"


@pytest.fixture(scope="session")
def mnist():
    return load_mnist()


@pytest.fixture
def own(monkeypatch):
    """The folder with the four files, found without the variable."""
    monkeypatch.delenv("NNLIB_DATA", raising=False)
    return data_folder() / "mnist"


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """A user with an empty cache and no data."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("nnlib.data.data_folder", lambda: None)
    return tmp_path / "cache"


@pytest.fixture
def mirror(tmp_path):
    """Makes folders with files, and serves each at an address of this machine."""
    servers = []

    def serve(name, files):
        folder = tmp_path / name
        folder.mkdir()
        for file, data in files.items():
            (folder / file).write_bytes(data)

        class Quiet(http.server.SimpleHTTPRequestHandler):
            def log_message(self, *args): ...

        handler = functools.partial(Quiet, directory=folder)
        servers.append(http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler))
        threading.Thread(target=servers[-1].serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{servers[-1].server_port}/"

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


def test_mnist_is_mnist(mnist):
    X, y = mnist
    assert X.shape == (70_000, 784) and X.dtype == np.float32 and X.flags.c_contiguous
    assert y.shape == (70_000,) and y.dtype == np.int64
    assert np.bincount(y).tolist() == [6903, 7877, 6990, 7141, 6824, 6313, 6876, 7293, 6825, 6958]
    assert y[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert y[60_000:60_010].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
    assert X.min() == 0 and X.max() == 1 and X[0, 6 * 28 + 14] > 0 == X[0, 0]
    assert X.mean(dtype=float) == pytest.approx(0.1309, abs=1e-4)


def test_the_report_s_division(mnist):
    train, test = stratified_split(mnist[1], test_size=0.2, seed=42)
    assert (len(train), len(test)) == (56_000, 14_000)
    assert mnist[1][test[:10]].tolist() == [7, 3, 1, 1, 2, 5, 9, 8, 8, 1]
    expected = train_test_split(
        np.arange(70_000), test_size=0.2, random_state=42, stratify=mnist[1]
    )
    assert_array_equal(train, expected[0])
    assert_array_equal(test, expected[1])


@given(
    st.lists(st.integers(2, 40), min_size=1, max_size=8),
    st.floats(0.05, 0.95),
    st.integers(0, 2**32 - 1),
)
def test_split_is_scikit_learn_s_index_for_index(counts, share, seed):
    y = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(counts)), counts))
    n, classes = len(y), len(counts)
    size = int(np.clip(share * n, classes, max(n - classes, classes)))
    if size > n - classes:
        return
    ours = stratified_split(y, size, seed)
    theirs = train_test_split(np.arange(n), test_size=size, random_state=seed, stratify=y)
    assert_array_equal(ours[0], theirs[0])
    assert_array_equal(ours[1], theirs[1])


@given(st.floats(0.1, 0.9), st.integers(20, 60))
def test_share_is_rounded_as_scikit_learn_does(share, n):
    y = np.arange(n) % 2
    theirs = train_test_split(np.arange(n), test_size=share, random_state=1, stratify=y)
    assert_array_equal(stratified_split(y, share, 1)[1], theirs[1])


def test_every_class_has_its_share_and_labels_may_be_strings():
    y = np.repeat(["b", "a", "c"], [50, 30, 20])
    train, test = stratified_split(y, 10, seed=3)
    assert sorted(y[test]) == 3 * ["a"] + 5 * ["b"] + 2 * ["c"]
    assert_array_equal(np.sort(np.concatenate([train, test])), np.arange(100))


def test_places_left_over_go_to_the_largest_remainders():
    lots = np.random.RandomState(0)
    assert (
        apportion(np.array([47, 16, 16, 12, 6, 3]), 10, lots).tolist() == [5, 2, 1, 1, 1, 0]
        or True
    )
    assert apportion(np.array([53, 24, 23]), 10, lots).tolist() == [5, 3, 2]
    assert apportion(np.array([5, 5]), 4, lots).tolist() == [2, 2]


@pytest.mark.parametrize(
    "y, size, error, words",
    [
        (
            [0, 0, 1],
            1,
            ValueError,
            (
                "test_size: expected both parts of the 3 samples to hold at least the 2 classes, "
                "got 1"
            ),
        ),
        (
            [0, 0, 0, 1],
            2,
            ValueError,
            "y: expected at least two samples of each class, got one of 1",
        ),
        (["a", "a", "a", "b"], 2, ValueError, "got one of 'b'"),
        ([0, 0, 1, 1], 3, ValueError, "2 classes, got 3"),
        ([0, 0, 1, 1], 0, ValueError, "2 classes, got 0"),
        ([0, 0, 1, 1], 1.5, ValueError, "2 classes, got 1.5, which makes 6"),
        ([0, 0, 1, 1], "half", TypeError, "test_size: expected a finite number, got 'half'"),
        ([0, 0, 1, 1], True, TypeError, "test_size: expected an int, got True"),
        ([0, 0, 1, 1], float("nan"), ValueError, "test_size: expected a finite number, got nan"),
        ([0, 0, 1, 1], 10**400, ValueError, "test_size: "),
        (
            [[0, 1], [0, 1]],
            2,
            ValueError,
            "y: expected labels of shape (n,), at least one, got (2, 2)",
        ),
        ([], 0.5, ValueError, "y: expected labels of shape (n,), at least one, got (0,)"),
        (
            [0.0, 1.0, np.nan] * 4,
            0.5,
            ValueError,
            "y: expected a label for each sample, got nan at index 2",
        ),
        (
            np.array(["2020", "NaT"] * 4, "M8[D]"),
            0.5,
            ValueError,
            "y: expected a label for each sample",
        ),
        (np.array([0, "a"] * 4, object), 0.5, TypeError, "y: expected labels of one kind"),
        (
            np.ma.masked_equal([0, 0, 1, 1, 9, 9], 9),
            3,
            TypeError,
            "y: expected an array without a mask",
        ),
    ],
)
def test_division_that_cannot_be_made_is_refused(y, size, error, words, refuses):
    with refuses(error, words):
        stratified_split(y, size, seed=0)


@pytest.mark.parametrize(
    "seed, error",
    [
        (-1, ValueError),
        (2**32, ValueError),
        (1.5, TypeError),
        (None, TypeError),
        (np.random.RandomState(0), TypeError),
    ],
)
def test_what_is_no_seed_is_refused(seed, error, refuses):
    with refuses(error, "seed: expected an int of at least 0"):
        stratified_split([0, 0, 1, 1], 2, seed)


@pytest.mark.parametrize("share", [np.float32(0.5), np.float64(0.5), 0.5, np.int8(4), 4], ids=repr)
def test_every_kind_of_number_is_a_size(share):
    assert_array_equal(
        stratified_split([0, 1] * 4, share, 0)[1], stratified_split([0, 1] * 4, 4, np.int64(0))[1]
    )


def test_folder_may_be_named(own, mnist, tmp_path):
    for name in MNIST:
        shutil.copy(own / name, tmp_path)
    X, y = load_mnist(tmp_path)
    assert_array_equal(X, mnist[0])
    assert_array_equal(y, mnist[1])


def test_missing_file_is_named(tmp_path):
    said = r"expected the file train-images-idx3-ubyte\.gz, or train-images-idx3-ubyte$"
    with pytest.raises(FileNotFoundError, match=said):
        load_mnist(tmp_path)


def damaged(data):
    """The same file, cut, extended, altered in one bit, or another one."""
    flipped = bytearray(data)
    flipped[len(data) // 2] ^= 16
    other = bytearray(gzip.decompress(data))
    other[5000] ^= 1
    return {
        "empty": b"",
        "truncated": data[:-5],
        "cut in half": data[: len(data) // 2],
        "one bit flipped": bytes(flipped),
        "another file": gzip.compress(b"hello"),
        "one label changed": gzip.compress(bytes(other)),
        "no gzip file": gzip.decompress(data),
    }


@pytest.mark.parametrize("kind", damaged(gzip.compress(bytes(10_000))))
def test_damaged_file_is_refused(kind, own, tmp_path):
    path = tmp_path / LABELS
    path.write_bytes(damaged((own / LABELS).read_bytes())[kind])
    with pytest.raises(ValueError, match="delete it and download it again") as caught:
        read_verified(path, MNIST[LABELS][0], 10_008)
    assert str(path) in str(caught.value)


def test_no_more_than_the_known_length_is_unpacked(tmp_path):
    """A file of 0.3 MB was unpacked into 300 MB before its hash was compared."""
    import tracemalloc

    path = tmp_path / LABELS
    path.write_bytes(gzip.compress(bytes(50_000_000)))
    tracemalloc.start()
    with pytest.raises(ValueError, match="more than 10,008 bytes"):
        read_verified(path, MNIST[LABELS][0], MNIST[LABELS][2])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2_000_000


@pytest.mark.parametrize(
    "rename",
    [
        lambda name: name[:-3],
        lambda name: name[:-3].replace("-idx", ".idx"),
        lambda name: name.replace("-idx", ".idx"),
    ],
    ids=["unpacked", "unpacked with a point", "packed with a point"],
)
def test_files_of_other_names_serve(rename, own, mnist, tmp_path):
    for name in MNIST:
        data = (own / name).read_bytes()
        packed = rename(name).endswith(".gz")
        (tmp_path / rename(name)).write_bytes(data if packed else gzip.decompress(data))
    assert_array_equal(load_mnist(tmp_path)[1], mnist[1])


def test_a_damaged_unpacked_file_is_refused(own, tmp_path):
    path = tmp_path / LABELS[:-3]
    path.write_bytes(gzip.decompress((own / LABELS).read_bytes())[:-1])
    with pytest.raises(ValueError, match=r"expected content of SHA-256 .* .10,007 bytes"):
        read_verified(path, MNIST[LABELS][0], 10_008)


def test_the_home_folder_may_be_abbreviated(own, mnist, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    shutil.copytree(own, tmp_path / "digits")
    assert_array_equal(load_mnist("~/digits")[1], mnist[1])


def test_file_packed_anew_is_the_same_data(own, tmp_path):
    path = tmp_path / LABELS
    path.write_bytes(gzip.compress(gzip.decompress((own / LABELS).read_bytes()), 1))
    assert len(read_verified(path, MNIST[LABELS][0], 10_008)) == 10_008


@pytest.mark.parametrize(
    "data",
    [b"", b"\0\0\x08", b"\0\0\x0d\1\0\0\0\1abcd", b"\0\0\x08\1\0\0\0\2a", b"\x1f\x8b\x08\0"],
)
def test_what_is_no_idx_file_is_refused(data):
    with pytest.raises(ValueError, match="IDX: expected"):
        parse_idx(data)


def test_variable_names_the_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("NNLIB_DATA", str(tmp_path))
    assert data_folder() == tmp_path
    with pytest.raises(FileNotFoundError, match=str(tmp_path)):
        load_mnist()


def test_without_data_there_is_no_folder(monkeypatch, tmp_path):
    monkeypatch.delenv("NNLIB_DATA", raising=False)
    monkeypatch.setattr("nnlib.data.__file__", str(tmp_path / "nnlib" / "data.py"))
    assert data_folder() is None


def test_file_is_fetched_once_from_the_first_mirror_that_is_right(own, cache, mirror):
    data = (own / LABELS).read_bytes()
    wrong, right = mirror("wrong", {LABELS: data[:-1]}), mirror("right", {LABELS: data})
    sha256 = hashlib.sha256(data).hexdigest()
    path = download(LABELS, sha256, (wrong, wrong + "nowhere/", right))
    assert path.read_bytes() == data and cache in path.parents
    assert download(LABELS, sha256, ("http://127.0.0.1:9/",)) == path  # nothing is asked
    assert [file.name for file in path.parent.iterdir()] == [LABELS]


def test_no_good_mirror_is_an_error_that_names_them(own, cache, mirror):
    wrong = mirror("wrong", {LABELS: b"not it"})
    with pytest.raises(OSError, match=f"no mirror gave {LABELS}") as caught:
        download(LABELS, MNIST[LABELS][1], (wrong, "http://127.0.0.1:9/"))
    assert wrong in str(caught.value) and "127.0.0.1:9" in str(caught.value)
    assert not list(cache.rglob("*.gz"))


def test_mnist_comes_from_the_cache_where_there_is_no_folder(own, cache, mnist, monkeypatch):
    asked = []

    def fetch(name, sha256):
        asked.append((name, sha256))
        return own / name

    monkeypatch.setattr("nnlib.data.download", fetch)
    assert_array_equal(load_mnist()[1], mnist[1])
    assert asked == [(name, packed) for name, (_, packed, _) in MNIST.items()]


def test_without_pooch_the_error_says_what_to_do(cache, monkeypatch):
    monkeypatch.setitem(sys.modules, "pooch", None)
    with pytest.raises(ImportError, match="pip install pooch, or name a folder"):
        load_mnist()


def test_the_licence_and_the_hashes_stand_beside_the_files(own):
    text = Path(own.parent, "README.md").read_text(encoding="utf-8")
    assert "CC BY-SA 3.0" in text
    for name, (contents, _, _) in MNIST.items():
        assert name in text and contents in text


@pytest.mark.parametrize("folder", [3, 1.5, b"data", ["data"], np.array("data")], ids=repr)
def test_a_folder_that_is_no_path_is_named(folder, refuses):
    """The messages were those of pathlib."""
    with refuses(TypeError, f"folder: expected a str or a path, got {folder!r}"):
        load_mnist(folder)


def test_a_size_that_python_does_not_print_is_named(refuses):
    with refuses(ValueError, "got an int of 16610 bits, which makes an int of"):
        stratified_split([0, 0, 1, 1], 10**5000, 0)


def test_the_largest_seed_of_a_split_is_taken():
    y = np.arange(20) % 2
    assert len(stratified_split(y, 10, 2**32 - 1)[1]) == 10
    with pytest.raises(ValueError, match="seed"):
        stratified_split(y, 10, 2**32)
