"""What every back end does, in the same way: memory, a folder, S3 on MiniStack and on moto, Cloud Storage."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest

from steel_defect.storage import (
    MAX_KEY_BYTES,
    ObjectNotFound,
    PreconditionFailed,
    StorageRefused,
    Store,
    open_store,
)

KEYS = [
    "plain.jpg", "line 3/shift a.jpg", "a+b", "a%b", "a%2Bb", "a%2fb", "%", "%%", "a b%20c+d", "ü/日本/🔩.png",
    "e\u0301", "é", "a/../b", "../up", "../../etc/passwd", "a/..", "./x", "a/./b", "/lead", "//two", "a//b", "trail/",
    "/", "...", "a\\b", "..\\up", "a?b#c", "a:b", "a&b=c;d,e@f$!'()", '*|<>"', "~", "~/x", "~.a", "~=a/~.b", "~tmp/x",
    "~lock", ".hidden", "a\x01b", "a\tb",
    "x" * MAX_KEY_BYTES, "ü" * (MAX_KEY_BYTES // 2), "d/" * (MAX_KEY_BYTES // 2 - 1) + "e",
]  # fmt: skip


def inside(uri: str, key: str) -> str:
    """The key, cut where the prefix of the store leaves less than 1,024 bytes."""
    prefix = uri.split("/", 3)[3] + "/" if uri.startswith(("s3:", "gs:")) else ""
    return key.encode()[: MAX_KEY_BYTES - len(prefix)].decode(errors="ignore")


def test_a_key_means_itself_and_nothing_else(store: Store, uri: str, subtests: pytest.Subtests) -> None:
    for key in (inside(uri, key) for key in KEYS):
        with subtests.test(key=key[:20]):
            written = store.put(key, key.encode(), if_absent=True)
            assert written.key == key
            assert store.get(key).data == key.encode()
            assert store.get(key).info == written
            assert store.head(key) == written
            assert [(info.key, info.size) for info in store.list()] == [(key, len(key.encode()))]
            store.delete(key)
            assert list(store.list()) == []


def test_a_listing_tells_when_each_object_was_written(store: Store) -> None:
    store.put("a", b"1")
    (info,) = store.list()
    assert info.modified is not None
    assert abs(datetime.now(UTC) - info.modified) < timedelta(minutes=1)


def test_all_the_keys_beside_each_other_in_the_order_of_their_bytes(store: Store, uri: str) -> None:
    keys = {inside(uri, key) for key in KEYS}
    if uri.startswith("file:"):
        # A file is no folder: see the next test.
        keys = {key for key in keys if not any(other.startswith(f"{key}/") for other in keys)}
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda key: store.put(key, key.encode()), keys))
    assert [info.key for info in store.list()] == sorted(keys, key=str.encode)
    assert all(store.get(key).data == key.encode() for key in keys)


def test_versions_come_newest_first_and_outlive_the_object(store: Store, uri: str) -> None:
    written = [store.put("a+b/ü.jpg", content).version for content in (b"1", b"2", b"3")]
    store.put("a+b/ü.jpg.more", b"4")
    store.put("a+b/u", b"5")
    expected = () if uri.startswith("file:") else tuple(written[::-1])
    assert store.versions("a+b/ü.jpg") == expected
    store.delete("a+b/ü.jpg")
    assert store.versions("a+b/ü.jpg") == expected
    assert store.versions("never") == ()


def test_a_key_that_goes_on_where_another_ends(store: Store, uri: str) -> None:
    store.put("a", b"1")
    if uri.startswith("file:"):
        with pytest.raises(StorageRefused, match="folder for one key and a file for another"):
            store.put("a/b", b"2")
        store.delete("a")
        store.put("a/b", b"2")
        with pytest.raises(StorageRefused):
            store.put("a", b"1")
        with pytest.raises(ObjectNotFound):
            store.get("a")
        store.delete("a/b")
    store.put("a" if uri.startswith("file:") else "a/b", b"2")
    assert store.get("a").data == (b"2" if uri.startswith("file:") else b"1")


@pytest.mark.parametrize("key", ["", ".", "..", "x" * (MAX_KEY_BYTES + 1), "ü" * 513, "a\ud800"])
def test_what_is_no_key_is_refused_by_every_method(store: Store, key: str) -> None:
    for call in (store.get, store.head, store.delete):
        with pytest.raises(StorageRefused):
            call(key)
    with pytest.raises(StorageRefused):
        store.put(key, b"")


def test_nothing_outside_the_prefix_is_seen_or_touched(store: Store, uri: str) -> None:
    inner = open_store(f"{uri.rstrip('/')}/inner") if not uri.startswith("memory:") else open_store(f"{uri}-inner")
    store.put("secret", b"kept")
    for key in ("../secret", "/secret", "a/../../secret", "%2e%2e/secret"):
        with pytest.raises(ObjectNotFound):
            inner.get(key)
        inner.put(key, b"changed")
        inner.delete(key)
    assert store.get("secret").data == b"kept"
    assert list(inner.list()) == []
    assert list(inner.list("../")) == []


def test_what_is_not_there(store: Store) -> None:
    for call in (store.get, store.head):
        with pytest.raises(ObjectNotFound, match="nothing"):
            call("nothing")
    store.delete("nothing")
    assert list(store.list()) == []


@pytest.mark.parametrize("data", [b"", bytes(range(256)) * 64, bytes(9_000_000)], ids=["empty", "bytes", "9 MB"])
def test_bytes_come_back_as_they_went(store: Store, data: bytes) -> None:
    written = store.put("key", data, content_type="image/jpeg")
    assert store.get("key").data == data
    assert (written.size, store.head("key").size) == (len(data), len(data))


def test_a_write_replaces_and_changes_the_tag(store: Store) -> None:
    first = store.put("key", b"1")
    second = store.put("key", b"2")
    assert first.tag != second.tag
    assert store.get("key").data == b"2"
    assert store.head("key").tag == second.tag


def test_create_only_keeps_what_is_there(store: Store) -> None:
    store.put("key", b"1", if_absent=True)
    with pytest.raises(PreconditionFailed):
        store.put("key", b"2", if_absent=True)
    assert store.get("key").data == b"1"
    store.delete("key")
    store.put("key", b"3", if_absent=True)


def test_compare_and_swap_writes_over_what_was_seen_alone(store: Store) -> None:
    seen = store.put("key", b"1")
    store.put("key", b"2", if_match=seen.tag)
    for data in (b"3", b""):
        with pytest.raises(PreconditionFailed):
            store.put("key", data, if_match=seen.tag)
    assert store.get("key").data == b"2"


@pytest.mark.parametrize("tag", ["", "0", "no tag", '"0123"', "123456789"])
def test_compare_and_swap_with_a_tag_that_never_was(store: Store, tag: str) -> None:
    store.put("key", b"1")
    with pytest.raises((PreconditionFailed, StorageRefused)):
        store.put("key", b"2", if_match=tag)
    assert store.get("key").data == b"1"


def test_compare_and_swap_of_what_is_gone(store: Store) -> None:
    seen = store.put("key", b"1")
    store.delete("key")
    with pytest.raises(PreconditionFailed):
        store.put("key", b"2", if_match=seen.tag)
    assert list(store.list()) == []


def test_both_conditions_at_once_are_a_mistake(store: Store) -> None:
    with pytest.raises(ValueError, match="exclude"):
        store.put("key", b"", if_absent=True, if_match="1")


def test_an_old_version_after_an_overwrite(store: Store, uri: str) -> None:
    first = store.put("key", b"first")
    if first.version is None:
        with pytest.raises(StorageRefused, match="no versions"):
            store.get("key", version="1")
        pytest.skip(f"{uri.partition(':')[0]}: keeps no versions")
    second = store.put("key", b"second!")
    assert second.version != first.version
    assert store.get("key", version=first.version).data == b"first"
    assert store.get("key", version=first.version).info == first
    assert store.head("key", version=first.version).size == 5
    assert store.get("key", version=second.version).data == b"second!"
    assert store.get("key").info.version == second.version


def test_a_version_that_never_was(store: Store) -> None:
    if store.put("key", b"1").version is None:
        pytest.skip("keeps no versions")
    for version in ("123", "none"):
        with pytest.raises((ObjectNotFound, StorageRefused)):
            store.get("key", version=version)


def test_a_prefix_is_of_characters_not_of_folders(store: Store) -> None:
    for key in ("a/1", "a/2", "ab", "b/a/1"):
        store.put(key, b"")
    assert [info.key for info in store.list("a")] == ["a/1", "a/2", "ab"]
    assert [info.key for info in store.list("a/")] == ["a/1", "a/2"]
    assert [info.key for info in store.list("a/1")] == ["a/1"]
    assert [info.key for info in store.list("c")] == []


def test_more_than_one_page(store: Store) -> None:
    keys = [f"many/{number:04}" for number in range(1_203)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda key: store.put(key, b""), keys))
    assert [info.key for info in store.list("many/")] == keys


@pytest.mark.usefixtures("contended")
def test_eight_threads_create_one_key_and_one_wins(store: Store) -> None:
    start = Barrier(8)

    def create(number: int) -> bool:
        start.wait()
        try:
            store.put("key", b"%d" % number, if_absent=True)
        except PreconditionFailed:
            return False
        return True

    for _ in range(10):
        with ThreadPoolExecutor(8) as pool:
            won = list(pool.map(create, range(8)))
        assert won.count(True) == 1
        assert store.get("key").data == b"%d" % won.index(True)
        store.delete("key")


@pytest.mark.usefixtures("contended")
def test_no_increment_of_a_counter_is_lost(store: Store) -> None:
    store.put("counter", b"0")

    def count_up(_: int) -> None:
        for _ in range(5):
            while True:
                seen = store.get("counter")
                try:
                    store.put("counter", b"%d" % (int(seen.data) + 1), if_match=seen.info.tag)
                    break
                except PreconditionFailed:
                    continue

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(count_up, range(8)))
    assert store.get("counter").data == b"40"


def test_the_store_is_there_for_whoever_opens_it_next(store: Store, uri: str) -> None:
    store.put("key", b"1")
    assert open_store(uri).get("key").data == b"1"
    if not uri.startswith("memory:"):
        assert open_store(uri + "/").get("key").data == b"1"
