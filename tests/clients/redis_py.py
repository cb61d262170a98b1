"""redis-py with its default settings against the server on the port given as the argument.

Any expectation that is not met ends the script with a failure.
"""

import sys
import time

import redis

PORT = int(sys.argv[1])
KEYS = 1000


def strings(r):
    assert r.ping() is True
    assert r.set("greeting", "hello") is True
    assert r.get("greeting") == b"hello"
    assert r.get("absent") is None
    assert r.set("greeting", "again", nx=True) is None
    assert r.set("greeting", "new", get=True) == b"hello"
    assert r.set("binary", bytes(range(256)))
    assert r.get("binary") == bytes(range(256))
    assert r.incr("counter", 5) == 5
    assert r.incrbyfloat("float", 0.5) == 0.5
    assert r.mset({"a": 1, "b": 2, "c": 3}) is True
    assert r.mget("a", "b", "c", "absent") == [b"1", b"2", b"3", None]
    assert r.setbit("bits", 7, 1) == 0
    assert r.bitcount("bits") == 1
    assert r.delete("a", "b", "c", "absent") == 3
    try:
        r.hget("greeting", "field")
    except redis.ResponseError as error:
        assert "WRONGTYPE" in str(error), error
    else:
        raise AssertionError("no error for a wrong type")


def hashes(r):
    assert r.hset("hash", mapping={"f1": "v1", "f2": "v2"}) == 2
    assert r.hgetall("hash") == {b"f1": b"v1", b"f2": b"v2"}
    assert r.hmget("hash", "f1", "absent") == [b"v1", None]
    assert r.hincrby("hash", "n", 3) == 3
    assert r.hincrbyfloat("hash", "x", 1.5) == 1.5
    assert sorted(r.hkeys("hash")) == [b"f1", b"f2", b"n", b"x"]
    assert r.hlen("hash") == 4
    assert r.hexists("hash", "f1") is True
    assert r.hdel("hash", "f1", "absent") == 1
    assert len(r.hrandfield("hash", 2)) == 2
    many = {f"field:{i}": str(i) for i in range(KEYS)}
    assert r.hset("many", mapping=many) == KEYS
    assert dict(r.hscan_iter("many")) == {k.encode(): v.encode() for k, v in many.items()}


def pipelines(r):
    with r.pipeline(transaction=False) as pipe:
        for i in range(KEYS):
            pipe.set(f"key:{i}", i)
            pipe.get(f"key:{i}")
        replies = pipe.execute()
    assert replies[0::2] == [True] * KEYS
    assert replies[1::2] == [str(i).encode() for i in range(KEYS)]
    with r.pipeline(transaction=False) as pipe:
        pipe.incr("binary")
        pipe.get("key:7")
        failed, value = pipe.execute(raise_on_error=False)
    assert isinstance(failed, redis.ResponseError), failed
    assert value == b"7"


def scans(r):
    expected = {f"key:{i}".encode() for i in range(KEYS)}
    assert set(r.scan_iter(match="key:*")) == expected
    assert set(r.scan_iter(match="key:*", count=500)) == expected
    assert b"many" in set(r.scan_iter(_type="HASH"))
    assert set(r.keys("key:99*")) == {k for k in expected if k.startswith(b"key:99")}


def cursors(r):
    """Kept in a double, as by a client whose language has no other number."""
    for scan, expected in (
        (lambda cursor: r.scan(cursor), set(r.keys("*"))),
        (lambda cursor: r.hscan("many", cursor), set(r.hkeys("many"))),
    ):
        cursor, found, calls = 0.0, set(), 0
        while calls == 0 or cursor != 0:
            next_cursor, page = scan(int(cursor))
            cursor = float(next_cursor)
            assert int(cursor) == next_cursor < 2**53, next_cursor
            found.update(page)
            calls += 1
            assert calls < 10 * KEYS, "no end"
        assert found == expected, len(expected - found)


def expiry(r):
    assert r.set("volatile", "x", px=100) is True
    assert 0 < r.pttl("volatile") <= 100
    assert r.expire("hash", 1000) is True
    assert 990 < r.ttl("hash") <= 1000
    assert r.persist("hash") is True
    assert r.ttl("hash") == -1
    time.sleep(0.15)
    assert r.get("volatile") is None
    assert r.ttl("volatile") == -2


def channels(r, protocol):
    with redis.Redis(port=PORT, protocol=protocol).pubsub() as subscriber:
        subscriber.subscribe("news", "sport")
        subscriber.psubscribe("n*")
        seen = [subscriber.get_message(timeout=5) for _ in range(3)]
        assert [m["type"] for m in seen] == ["subscribe", "subscribe", "psubscribe"], seen
        assert r.publish("news", "hello") == 2
        seen = [subscriber.get_message(timeout=5) for _ in range(2)]
        assert [m["type"] for m in seen] == ["message", "pmessage"], seen
        assert all(m["channel"] == b"news" and m["data"] == b"hello" for m in seen), seen
        assert r.pubsub_numsub("news", "none") == [(b"news", 1), (b"none", 0)]
        assert r.pubsub_channels("s*") == [b"sport"] and r.pubsub_numpat() == 1
        subscriber.unsubscribe()
        assert [subscriber.get_message(timeout=5)["type"] for _ in range(2)] == ["unsubscribe"] * 2
        assert r.publish("sport", "nobody") == 0
        subscriber.ssubscribe("shard")
        assert subscriber.get_message(timeout=5)["type"] == "ssubscribe"
        assert r.execute_command("SPUBLISH", "shard", "close") == 1
        assert subscriber.get_sharded_message(timeout=5)["data"] == b"close"


def events(r, protocol):
    r.config_set("notify-keyspace-events", "KEA")
    with redis.Redis(port=PORT, protocol=protocol).pubsub() as subscriber:
        subscriber.psubscribe("__keyevent@0__:*")
        assert subscriber.get_message(timeout=5)["type"] == "psubscribe"
        r.set("event", "value", px=50)
        seen = [subscriber.get_message(timeout=5) for _ in range(3)]
        told = [(m["channel"], m["data"]) for m in seen]
        assert told == [
            (b"__keyevent@0__:" + name, b"event") for name in (b"set", b"expire", b"expired")
        ], seen
    r.config_set("notify-keyspace-events", "")


def administration(r):
    info = r.info()
    assert info["redis_mode"] == "standalone", info
    assert info["db0"]["keys"] == r.dbsize()
    assert r.config_get("port") == {"port": str(PORT)}
    assert r.config_set("timeout", 0) is True
    assert r.client_setname("redis-py") is True
    assert r.client_getname() in ("redis-py", b"redis-py")
    assert any(client["name"] == "redis-py" for client in r.client_list())
    assert r.command_count() > 50
    assert r.object("encoding", "counter") == b"int"
    assert r.type("hash") == b"hash"
    assert isinstance(r.slowlog_get(), list)
    assert r.time()[0] > 1_600_000_000


def main():
    for protocol in (2, 3):
        r = redis.Redis(port=PORT, protocol=protocol, single_connection_client=True)
        r.flushall()
        for part in (strings, hashes, pipelines, scans, cursors, expiry, administration):
            part(r)
        channels(r, protocol)
        events(r, protocol)
        r.close()
    # The plain defaults: a pool of connections, several in use at once.
    r = redis.Redis(port=PORT)
    r.flushall()
    pipelines_source = [r.pipeline(transaction=False) for _ in range(5)]
    for pipe in pipelines_source:
        pipe.incr("counter")
    assert [pipe.execute() for pipe in pipelines_source] == [[n] for n in range(1, 6)]
    text = redis.Redis(port=PORT, db=3, decode_responses=True)
    assert text.set("in", "database 3") and text.get("in") == "database 3"
    assert r.get("in") is None
    print("redis-py", redis.__version__, "is content")


main()
