// ioredis, socket argv[2]: transactions, WATCH, pub/sub, blocking commands, events (RESP2).
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createRequire } from 'node:module';

const require = createRequire(process.cwd() + '/');
const Redis = require('ioredis');
const path = process.argv[2];
const r = new Redis(path);
const other = new Redis(path);

// Transactions: chained, inline, with errors of both kinds, discarded.
assert.deepEqual(await r.multi().set('k', '1').incr('k').get('k').exec(), [
  [null, 'OK'],
  [null, 2],
  [null, '2'],
]);
await r.multi({ pipeline: false });
assert.equal(await r.set('k', '5'), 'QUEUED');
assert.equal(await r.get('k'), 'QUEUED');
assert.deepEqual(await r.exec(), [
  [null, 'OK'],
  [null, '5'],
]);
const mixed = await r.multi().lpush('k', 'x').set('after', '1').exec();
assert.match(mixed[0][0].message, /WRONGTYPE/);
assert.deepEqual(mixed[1], [null, 'OK']);
await assert.rejects(r.multi().set('never').set('k', '9').exec(), /EXECABORT/);
assert.equal(await r.get('k'), '5');
await r.multi({ pipeline: false });
await r.set('k', '6');
assert.equal(await r.discard(), 'OK');
assert.equal(await r.get('k'), '5');

// Optimistic locking.
await r.watch('k');
await other.set('k', '7');
assert.equal(await r.multi().set('k', '8').exec(), null);
await r.watch('k');
assert.deepEqual(await r.multi().incr('k').exec(), [[null, 8]]);
await r.watch('k');
await other.set('k', '7');
await r.unwatch();
assert.deepEqual(await r.multi().incr('k').exec(), [[null, 8]]);

// Many at once, on one connection and on several.
const connections = Array.from({ length: 5 }, () => new Redis(path));
await Promise.all(
  Array.from({ length: 500 }, (_, i) => connections[i % 5].multi().incr('n').incr('m').exec()),
);
assert.deepEqual(await r.mget('n', 'm'), ['500', '500']);

// Pub/sub: channels, patterns, shards, buffers, order, the restricted state.
const sub = new Redis(path);
const messages = [];
sub.on('message', (channel, text) => messages.push([channel, text]));
sub.on('pmessage', (pattern, channel, text) => messages.push([pattern, channel, text]));
assert.equal(await sub.subscribe('news', 'music'), 2);
assert.equal(await sub.psubscribe('n*'), 3);
await assert.rejects(sub.get('k'), /subscriber mode/);
assert.deepEqual(await sub.ping(), ['pong', '']);
assert.equal(await r.publish('music', 'a'), 1);
assert.equal(await r.publish('news', 'b'), 2);
assert.equal(await r.publish('nobody', 'c'), 1);
assert.equal(await r.publish('quiet', 'd'), 0);
while (messages.length < 4) {
  await Promise.race([once(sub, 'message'), once(sub, 'pmessage')]);
}
assert.deepEqual(messages, [
  ['music', 'a'],
  ['news', 'b'],
  ['n*', 'news', 'b'],
  ['n*', 'nobody', 'c'],
]);
assert.equal(await sub.unsubscribe('news', 'music'), 1);
assert.equal(await sub.punsubscribe(), 0);
assert.equal(await sub.get('k'), '8');
const heard = [];
const all = new Promise((resolve) => {
  sub.on('messageBuffer', (_channel, text) => {
    heard.push(text.toString());
    if (heard.length === 2000) {
      resolve();
    }
  });
});
await sub.subscribe('stream');
await Promise.all(Array.from({ length: 2000 }, (_, i) => r.publish('stream', i)));
await all;
assert.deepEqual(heard, Array.from({ length: 2000 }, (_, i) => String(i)));
const shard = new Redis(path);
const sharded = once(shard, 'smessage');
await shard.ssubscribe('part');
assert.equal(await r.spublish('part', 'x'), 1);
assert.deepEqual(await sharded, ['part', 'x']);
assert.equal(await shard.sunsubscribe('part'), 0);

// Blocking: a queue with two workers, time-outs, and what BullMQ does.
const [one, two] = connections;
const jobs = [one.blpop('jobs', 0), two.brpop('other', 'jobs', 0)];
await r.rpush('jobs', 'a', 'b');
assert.deepEqual(
  (await Promise.all(jobs)).map(([key, job]) => `${key} ${job}`).sort(),
  ['jobs a', 'jobs b'],
);
assert.equal(await one.blpop('jobs', 0.01), null);
assert.equal(await one.bzpopmin('delayed', 0.01), null);
const moved = one.blmove('waiting', 'active', 'RIGHT', 'LEFT', 5);
await r.multi().lpush('waiting', 'job:1').zadd('delayed', 1, 'job:2').exec();
assert.equal(await moved, 'job:1');
assert.deepEqual(await one.bzpopmin('delayed', 1), ['delayed', 'job:2', '1']);
assert.equal(await r.lrem('active', 1, 'job:1'), 1);

// Keyspace events.
await r.config('SET', 'notify-keyspace-events', 'Ex');
const events = new Redis(path);
await events.psubscribe('__keyevent@0__:*');
const expired = once(events, 'pmessage');
await r.set('short', '1', 'PX', 20);
assert.deepEqual(await expired, ['__keyevent@0__:*', '__keyevent@0__:expired', 'short']);
await r.config('SET', 'notify-keyspace-events', '');

for (const connection of [r, other, sub, shard, events, ...connections]) {
  connection.disconnect();
}
