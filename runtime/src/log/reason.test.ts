import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { reasonOf } from './reason.ts';

suite('the reason of what was thrown', () => {
  test('is its message, or its text', () => {
    assert.equal(reasonOf(new TypeError('no server')), 'no server');
    assert.equal(reasonOf('no server'), 'no server');
    assert.equal(reasonOf(undefined), 'undefined');
    assert.equal(reasonOf(42), '42');
  });

  test('is there also for what has no text', () => {
    assert.equal(reasonOf(Object.create(null)), '[Object: null prototype] {}');
    assert.equal(reasonOf(Symbol('no')), 'Symbol(no)');
    assert.equal(reasonOf({ code: 4 }), '{ code: 4 }');
  });
});
