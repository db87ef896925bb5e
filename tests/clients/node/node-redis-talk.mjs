// node-redis 5 against a server on the unix socket argv[2]: transactions, pub/sub, caching (RESP3).
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';

const require = createRequire(process.cwd() + '/');
const { createClient, BasicClientSideCache } = require('redis');

async function open(RESP, more = {}) {
  const client = createClient({ socket: { path: process.argv[2], tls: false }, RESP, ...more });
  client.on('error', (error) => {
    throw error;
  });
  await client.connect();
  return client;
}

async function until(condition, what) {
  for (let i = 0; i < 2000; i++) {
    if (await condition()) {
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  assert.fail(`${what}: not in time`);
}

const clients = [];
for (const RESP of [2, 3]) {
  const client = await open(RESP);
  const other = await open(RESP);
  clients.push(client, other);
  await client.flushAll();

  // Transactions.
  assert.deepEqual(await client.multi().set('k', '1').incr('k').get('k').exec(), ['OK', 2, '2']);
  assert.deepEqual(await client.multi().hSet('h', 'f', '1').hGetAll('h').exec().then(
    ([count, fields]) => [count, { ...fields }]), [1, { f: '1' }]);
  await assert.rejects(client.multi().addCommand(['NOSUCH']).set('k', '9').exec());
  assert.equal(await client.get('k'), '2');
  await client.watch('k');
  await other.set('k', '5');
  await assert.rejects(client.multi().set('k', '6').exec(), /watch/i);
  await client.watch(['k', 'l']);
  assert.deepEqual(await client.multi().incr('k').exec(), [6]);
  await Promise.all(
    Array.from({ length: 300 }, () => client.multi().incr('n').incr('m').exec()));
  assert.deepEqual(await client.mGet(['n', 'm']), ['300', '300']);

  // Pub/sub.
  const sub = await open(RESP);
  clients.push(sub);
  const heard = [];
  await sub.subscribe(['news', 'music'], (text, channel) => heard.push([channel, text]));
  await sub.pSubscribe('n*', (text, channel) => heard.push(['n*', channel, text]));
  await sub.sSubscribe('part', (text, channel) => heard.push(['part', channel, text]));
  assert.equal(await client.publish('music', 'a'), 1);
  assert.equal(await client.publish('news', 'b'), 2);
  assert.equal(await client.sPublish('part', 'c'), 1);
  assert.equal(await client.publish('quiet', 'd'), 0);
  await until(() => heard.length === 4, 'messages');
  assert.deepEqual(heard, [
    ['music', 'a'], ['news', 'b'], ['n*', 'news', 'b'], ['part', 'part', 'c'],
  ]);
  if (RESP === 3) {
    assert.equal(await sub.get('k'), '6');
  }
  assert.deepEqual((await client.pubSubChannels()).sort(), ['music', 'news']);
  assert.equal(await client.pubSubNumPat(), 1);
  assert.deepEqual({ ...(await client.pubSubNumSub(['news', 'no'])) }, { news: 1, no: 0 });
  heard.length = 0;
  await Promise.all(Array.from({ length: 1000 }, (_, i) => client.publish('music', String(i))));
  await until(() => heard.length === 1000, 'a thousand messages');
  const numbers = Array.from({ length: 1000 }, (_, i) => String(i));
  assert.deepEqual(heard.map(([, text]) => text), numbers);
  await sub.unsubscribe(['news', 'music']);
  await sub.pUnsubscribe('n*');
  await sub.sUnsubscribe('part');
  assert.equal(String(await sub.get('k')), '6'); // in RESP2 it goes on giving buffers

  // Blocking.
  const job = other.blPop(['jobs', 'more'], 0);
  await client.rPush('jobs', 'a');
  assert.deepEqual({ ...(await job) }, { key: 'jobs', element: 'a' });
  assert.equal(await other.brPop('jobs', 0.01), null);
  assert.equal(await other.bzPopMin('z', 0.01), null);
  const least = other.bzPopMin('z', 0);
  await client.zAdd('z', [{ score: 1.5, value: 'x' }, { score: 2, value: 'y' }]);
  assert.deepEqual({ ...(await least) }, { key: 'z', value: 'x', score: 1.5 });
}

// Client-side caching: hits, invalidation by others, by itself, by FLUSHALL, by expiry.
const cache = new BasicClientSideCache({ ttl: 0, maxEntries: 0, evictPolicy: 'LRU' });
const caching = await open(3, { clientSideCache: cache });
const writer = await open(3);
clients.push(caching, writer);
await writer.set('c', 'old');
assert.equal(await caching.get('c'), 'old');
assert.equal(await caching.get('c'), 'old');
assert.ok(cache.stats().hitCount >= 1);
await writer.set('c', 'new');
await until(async () => (await caching.get('c')) === 'new', 'invalidation');
await caching.set('c', 'own');
await until(async () => (await caching.get('c')) === 'own', 'its own change');
await writer.hSet('ch', 'f', '1');
assert.equal(await caching.hGet('ch', 'f'), '1');
await writer.hDel('ch', 'f');
await until(async () => (await caching.hGet('ch', 'f')) === null, 'a hash');
assert.equal(await caching.get('c'), 'own');
await writer.flushAll();
await until(async () => (await caching.get('c')) === null, 'FLUSHALL');
await writer.set('c', 'short', { expiration: { type: 'PX', value: 50 } });
await until(async () => (await caching.get('c')) === 'short', 'set again');
await until(async () => (await caching.get('c')) === null, 'expiry');
for (let round = 0; round < 20; round++) {
  await Promise.all(Array.from({ length: 20 }, (_, i) => writer.set(`k${i}`, `${round}`)));
  await until(async () => {
    const values = await Promise.all(Array.from({ length: 20 }, (_, i) => caching.get(`k${i}`)));
    return values.every((value) => value === `${round}`);
  }, 'all caches');
}

for (const client of clients) {
  await client.close();
}
