import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { defineCapability } from '../ext.ts';
import { Slot } from './slot.ts';

const capability = defineCapability({ module: import.meta.url, name: 'test.one', imports: {} });
const other = defineCapability({ module: import.meta.url, name: 'test.one', imports: {} });

suite('Slot', () => {
  test('serves the same capability with equal options, and no other', () => {
    const slot = new Slot({ capability, options: { list: ['a'], size: 1 } }, () => undefined);
    assert.equal(slot.fits(capability, { size: 1, list: ['a'] }), true);
    assert.equal(slot.fits(capability, { list: ['a'], size: 2 }), false);
    assert.equal(slot.fits(capability, { list: ['a', 'b'], size: 1 }), false);
    assert.equal(slot.fits(capability, { list: ['a'] }), false);
    assert.equal(slot.fits(other, { list: ['a'], size: 1 }), false);
  });

  test('its end is made once, and is given the slot', () => {
    const given: Slot[] = [];
    const end = {};
    const slot = new Slot({ capability, options: {} }, (made) => {
      given.push(made);
      assert.deepEqual([made.channel, made.options], [-1, {}]);
      return end;
    });
    assert.equal(slot.end, end);
    assert.deepEqual(given, [slot]);
  });
});
