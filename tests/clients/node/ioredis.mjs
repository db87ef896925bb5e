// ioredis against a server on the unix socket argv[2]: strings, keys, pipelines, errors (RESP2).
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';

const require = createRequire(process.cwd() + '/');
const Redis = require('ioredis');
const r = new Redis(process.argv[2], { connectionName: 'test-ioredis' });

assert.equal(await r.ping(), 'PONG');
assert.equal(await r.set('k', 'v', 'EX', 1000), 'OK');
assert.equal(await r.get('k'), 'v');
assert.ok((await r.ttl('k')) > 900);
assert.equal(await r.set('k', 'w', 'NX'), null);
assert.deepEqual(await r.getBuffer('k'), Buffer.from('v'));
await r.mset({ a: '1', b: '2' });
assert.deepEqual(await r.mget('a', 'b', 'c'), ['1', '2', null]);
assert.equal(await r.incrby('n', 41), 41);
const pipeline = r.pipeline();
for (let i = 0; i < 1000; i++) {
  pipeline.set(`p:${i}`, i).get(`p:${i}`);
}
const replies = await pipeline.exec();
assert.equal(replies.length, 2000);
assert.deepEqual(replies[1999], [null, '999']);
const found = new Set();
for await (const keys of r.scanStream({ match: 'p:*', count: 100 })) {
  keys.forEach((key) => found.add(key));
}
assert.equal(found.size, 1000);
assert.equal(await r.rpush('l', 'a', 'b', 'c'), 3);
assert.deepEqual(await r.lrange('l', 0, -1), ['a', 'b', 'c']);
assert.equal(await r.hset('h', { f: '1', g: '2' }), 2);
assert.deepEqual(await r.hgetall('h'), { f: '1', g: '2' });
await r.sadd('s', ...Array.from({ length: 2000 }, (_, i) => `m${i}`));
assert.equal((await r.smembers('s')).length, 2000);
await r.zadd('z', 1, 'one', 2, 'two');
assert.deepEqual(await r.zrange('z', 0, -1, 'WITHSCORES'), ['one', '1', 'two', '2']);
await assert.rejects(r.call('NOSUCH'), /unknown command/);
await assert.rejects(r.incr('k'), /not an integer/);
const answers = await Promise.all(Array.from({ length: 5000 }, (_, i) => r.echo(String(i))));
assert.equal(answers[4999], '4999');
assert.match(await r.client('LIST'), /name=test-ioredis/);
assert.equal(await r.quit(), 'OK');
