import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { Failure } from 'pulp-runtime/ext';
import { guestContext, silent } from '../../../test/support/guest-context.ts';
import { capability } from './index.ts';

/** The function, and what it has written to the log. */
async function greeter() {
  const said: string[] = [];
  const log = { ...silent, info: (message: string) => void said.push(message) };
  const end = await capability.guest?.(guestContext({ options: {}, log }));
  const greet = end?.functions['demo_greet'] as ((name: Uint8Array) => void) | undefined;
  assert.ok(greet !== undefined, 'the capability has its function');
  return { said, greet: (name: string | Uint8Array) => greet(Buffer.from(name)) };
}

/** A refusal with that code. */
function refusal(code: number): (error: unknown) => boolean {
  return (error) => error instanceof Failure && error.code === code;
}

suite('demo.greet', () => {
  test('writes a greeting to the log', async () => {
    const { said, greet } = await greeter();
    greet('World');
    greet('Zoë 🦊');
    assert.deepEqual(said, ['Hello, World!', 'Hello, Zoë 🦊!']);
  });

  test('takes names of up to 1,024 bytes', async () => {
    const { said, greet } = await greeter();
    greet('x'.repeat(1024));
    // As bytes, not as characters.
    assert.throws(() => greet('é'.repeat(513)), refusal(4));
    assert.throws(() => greet('x'.repeat(1025)), refusal(4));
    assert.equal(said.length, 1);
  });

  test('refuses what is not UTF-8, and says nothing', async () => {
    const { said, greet } = await greeter();
    for (const bytes of [[0xff], [0xc3], [0x61, 0xed, 0xa0, 0x80]]) {
      assert.throws(() => greet(Uint8Array.from(bytes)), refusal(3));
    }
    assert.deepEqual(said, []);
  });
});
