// ioredis with its default settings against the server on the port given as the argument.
// Any expectation that is not met ends the script with a failure.

'use strict';

const assert = require('node:assert/strict');
const Redis = require('ioredis');

const PORT = Number(process.argv[2]);
const KEYS = 1000;

async function strings(redis) {
  assert.equal(await redis.ping(), 'PONG');
  assert.equal(await redis.set('greeting', 'hello'), 'OK');
  assert.equal(await redis.get('greeting'), 'hello');
  assert.equal(await redis.get('absent'), null);
  assert.equal(await redis.set('greeting', 'again', 'NX'), null);
  const binary = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
  await redis.set('binary', binary);
  assert.deepEqual(await redis.getBuffer('binary'), binary);
  assert.equal(await redis.incrby('counter', 5), 5);
  await redis.mset({ a: 1, b: 2, c: 3 });
  assert.deepEqual(await redis.mget('a', 'b', 'c', 'absent'), ['1', '2', '3', null]);
  assert.equal(await redis.del('a', 'b', 'c', 'absent'), 3);
  await assert.rejects(redis.hget('greeting', 'field'), /WRONGTYPE/);
}

async function hashes(redis) {
  assert.equal(await redis.hset('hash', { f1: 'v1', f2: 'v2' }), 2);
  assert.deepEqual(await redis.hgetall('hash'), { f1: 'v1', f2: 'v2' });
  assert.deepEqual(await redis.hmget('hash', 'f1', 'absent'), ['v1', null]);
  assert.equal(await redis.hincrby('hash', 'n', 3), 3);
  assert.equal(await redis.hdel('hash', 'f1', 'absent'), 1);
  const many = Object.fromEntries(Array.from({ length: KEYS }, (_, i) => [`field:${i}`, `${i}`]));
  assert.equal(await redis.hset('many', many), KEYS);
  const found = {};
  for await (const batch of redis.hscanStream('many')) {
    for (let i = 0; i < batch.length; i += 2) found[batch[i]] = batch[i + 1];
  }
  assert.deepEqual(found, many);
}

async function pipelines(redis) {
  const pipeline = redis.pipeline();
  for (let i = 0; i < KEYS; i++) pipeline.set(`key:${i}`, i).get(`key:${i}`);
  const replies = await pipeline.exec();
  assert.equal(replies.length, 2 * KEYS);
  replies.forEach(([error, reply], i) => {
    assert.equal(error, null);
    assert.equal(reply, i % 2 === 0 ? 'OK' : `${(i - 1) / 2}`);
  });
  // Commands that are not awaited one by one come back in order as well.
  const values = await Promise.all(Array.from({ length: KEYS }, (_, i) => redis.get(`key:${i}`)));
  assert.deepEqual(values, Array.from({ length: KEYS }, (_, i) => `${i}`));
}

async function scans(redis) {
  for (const options of [{ match: 'key:*' }, { match: 'key:*', count: 500 }]) {
    const found = new Set();
    for await (const batch of redis.scanStream(options)) batch.forEach((key) => found.add(key));
    assert.equal(found.size, KEYS);
  }
  const found = new Set();
  for await (const batch of redis.scanStream({ type: 'hash' })) batch.forEach((k) => found.add(k));
  assert.deepEqual(found, new Set(['hash', 'many']));
}

// Kept as the language's only number, a double.
async function cursors(redis) {
  const fields = async (cursor) => {
    const [next, page] = await redis.hscan('many', cursor);
    return [next, page.filter((_, index) => index % 2 === 0)];
  };
  for (const [scan, expected] of [
    [(cursor) => redis.scan(cursor), await redis.keys('*')],
    [fields, await redis.hkeys('many')],
  ]) {
    const found = new Set();
    let [cursor, calls] = [0, 0];
    do {
      const [next, page] = await scan(cursor);
      cursor = Number(next);
      assert.ok(Number.isSafeInteger(cursor), next);
      page.forEach((name) => found.add(name));
      calls += 1;
      assert.ok(calls < 10 * KEYS, 'no end');
    } while (cursor !== 0);
    assert.deepEqual(found, new Set(expected));
  }
}

async function expiry(redis) {
  await redis.set('volatile', 'x', 'PX', 100);
  const left = await redis.pttl('volatile');
  assert.ok(left > 0 && left <= 100, `${left} ms left`);
  assert.equal(await redis.expire('hash', 1000), 1);
  assert.equal(await redis.persist('hash'), 1);
  assert.equal(await redis.ttl('hash'), -1);
  await new Promise((resolve) => setTimeout(resolve, 150));
  assert.equal(await redis.get('volatile'), null);
}

async function channels(redis) {
  const subscriber = new Redis(PORT);
  const messages = [];
  subscriber.on('message', (channel, message) => messages.push([channel, message]));
  subscriber.on('pmessage', (pattern, channel, message) => messages.push([pattern, channel, message]));
  assert.equal(await subscriber.subscribe('news', 'sport'), 2);
  assert.equal(await subscriber.psubscribe('n*'), 3);
  assert.deepEqual(await subscriber.ping(), ['pong', '']);
  assert.equal(await redis.publish('news', 'hello'), 2);
  assert.equal(await redis.publish('sport', 'goal'), 1);
  assert.equal(await subscriber.unsubscribe('sport'), 2);
  assert.deepEqual(messages, [['news', 'hello'], ['n*', 'news', 'hello'], ['sport', 'goal']]);
  assert.equal(await redis.publish('sport', 'nobody'), 0);
  await subscriber.quit();
}

async function main() {
  // The ready check, on by default, reads INFO before the first command is sent.
  const redis = new Redis(PORT);
  await redis.flushall();
  for (const part of [strings, hashes, pipelines, scans, cursors, expiry, channels]) await part(redis);
  const other = new Redis({ port: PORT, db: 3, connectionName: 'ioredis', enableAutoPipelining: true });
  await Promise.all(Array.from({ length: 50 }, (_, i) => other.set(`auto:${i}`, i)));
  assert.equal(await other.dbsize(), 50);
  assert.equal(await other.client('GETNAME'), 'ioredis');
  assert.equal(await redis.exists('auto:1'), 0);
  await Promise.all([redis.quit(), other.quit()]);
  console.log('ioredis is content');
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
