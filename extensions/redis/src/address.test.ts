import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { redisAddress, variable } from './address.ts';

suite('where Redis is', () => {
  test('says a variable', () => {
    for (const url of [
      'redis://localhost',
      'redis://127.0.0.1:6380/2',
      'rediss://user:a%2Fb@redis.example:6379/',
      'redis://:password@[::1]:6379',
    ]) {
      assert.equal(redisAddress({ [variable]: url }).href, new URL(url).href);
    }
  });

  test('is an error when nobody says so', () => {
    for (const env of [{}, { [variable]: '' }]) {
      assert.throws(() => redisAddress(env), /PULP_REDIS_URL says where Redis is.* is not set/);
    }
  });

  test('is an error that keeps a password to itself', () => {
    for (const url of [
      'localhost:6379',
      'http://hidden@localhost',
      'redis://',
      'redis:///hidden',
      'redis://u:hidden@localhost/0/1',
      'redis://u:hidden@local host',
      'redis://u:hid%den@localhost',
      'redis://u:1?hidden@localhost',
      'redis://u:1#hidden@localhost',
    ]) {
      assert.throws(
        () => redisAddress({ [variable]: url }),
        (error: Error) => /has to look like redis:/.test(error.message) && !error.message.includes('hidden'),
        url,
      );
    }
  });
});
