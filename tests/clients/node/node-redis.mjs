// node-redis 5 in RESP3 against a server on the unix socket argv[2].
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';

const require = createRequire(process.cwd() + '/');
const { createClient } = require('redis');
const client = createClient({ socket: { path: process.argv[2], tls: false }, RESP: 3 });
client.on('error', (error) => {
  throw error;
});
await client.connect();

assert.equal(await client.ping(), 'PONG');
assert.equal(await client.set('k', 'v', { expiration: { type: 'EX', value: 1000 } }), 'OK');
assert.equal(await client.get('k'), 'v');
assert.ok((await client.ttl('k')) > 900);
assert.equal(await client.get('missing'), null);
assert.deepEqual(await client.mGet(['k', 'missing']), ['v', null]);
assert.equal(await client.incrBy('n', 5), 5);
assert.equal(await client.incrByFloat('f', 1.5), '1.5');
const answers = await Promise.all(
  Array.from({ length: 5000 }, (_, i) => client.echo(String(i))),
);
assert.equal(answers[4999], '4999');
for (let i = 0; i < 500; i++) {
  await client.set(`s:${i}`, 'x');
}
const found = new Set();
for await (const keys of client.scanIterator({ MATCH: 's:*', COUNT: 50 })) {
  [].concat(keys).forEach((key) => found.add(key));
}
assert.equal(found.size, 500);
assert.equal(await client.rPush('l', ['a', 'b', 'c']), 3);
assert.deepEqual(await client.lRange('l', 0, -1), ['a', 'b', 'c']);
assert.equal(await client.hSet('h', { f: '1', g: '2' }), 2);
assert.deepEqual({ ...(await client.hGetAll('h')) }, { f: '1', g: '2' });
assert.deepEqual(await client.hExpire('h', 'f', 1000), [1]);
assert.ok((await client.hTTL('h', ['f', 'g']))[0] > 900);
await client.sAdd('set', Array.from({ length: 2000 }, (_, i) => `m${i}`));
assert.equal((await client.sMembers('set')).length, 2000);
assert.equal(await client.zAdd('z', [{ score: 1, value: 'one' }, { score: 2.5, value: 'two' }]), 2);
assert.deepEqual(await client.zRangeWithScores('z', 0, -1), [
  { value: 'one', score: 1 },
  { value: 'two', score: 2.5 },
]);
assert.equal(await client.zScore('z', 'two'), 2.5);
const config = await client.configGet('maxmemory');
assert.equal(config.maxmemory, '0');
assert.ok((await client.clientId()) > 0);
assert.ok((await client.info('server')).includes('redis_version'));
await assert.rejects(client.sendCommand(['NOSUCH']), /unknown command/);
await client.close();
