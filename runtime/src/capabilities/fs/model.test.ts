import assert from 'node:assert/strict';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import { silent } from '../../../../test/support/guest-context.ts';
import { Model } from './model.suite.ts';
import type { FilePath } from './path.ts';
import { openRoot } from './root-folder.ts';
import { FileStore, type StoreLimits } from './store.ts';
import { at, bytes, codeOf, scratch, textOf } from './store.suite.ts';

const limits: StoreLimits = { maxBytes: 40, maxFileBytes: 20, maxFiles: 8 };

/** A few names, so that they meet; of any bytes. */
const path = fc.array(fc.constantFrom('a', '\xff', '...'), { minLength: 1, maxLength: 3 });
const content = fc.nat({ max: 22 }).map((length) => 'x'.repeat(length));

/** An operation on both: what the model says and what the store does. */
interface Step {
  readonly name: string;
  readonly act: (model: Model, store: FileStore) => readonly [expected: unknown, actual: unknown];
}

type Names = readonly string[];

const spelled = (names: Names): FilePath => at(`./${names.join('//')}`);

function contentOrCode(store: FileStore, names: Names): string | number {
  let found = '';
  const code = codeOf(() => {
    found = textOf(store, names.join('/'));
  });
  return code === 0 ? found : code;
}

const steps = {
  write: (names: Names, text: string): Step => ({
    name: `write ${names.join('/')} ${text}`,
    act: (model, store) => [model.write(names, text), codeOf(() => store.write(spelled(names), bytes(text)))],
  }),
  append: (names: Names, text: string): Step => ({
    name: `append ${names.join('/')} ${text}`,
    act: (model, store) => [
      model.append(names, text),
      codeOf(() => store.append(spelled(names), bytes(text))),
    ],
  }),
  read: (names: Names): Step => ({
    name: `read ${names.join('/')}`,
    act: (model, store) => [model.read(names), contentOrCode(store, names)],
  }),
  delete: (names: Names): Step => ({
    name: `delete ${names.join('/')}`,
    act: (model, store) => [model.delete(names), codeOf(() => store.delete(spelled(names)))],
  }),
  removeAll: (names: Names): Step => ({
    name: `remove all ${names.join('/')}`,
    act: (model, store) => [model.removeAll(names), codeOf(() => store.removeAll(spelled(names)))],
  }),
  makeAll: (names: Names): Step => ({
    name: `make all ${names.join('/')}`,
    act: (model, store) => [model.makeAll(names), codeOf(() => store.makeAll(spelled(names)))],
  }),
  rename: (from: Names, to: Names): Step => ({
    name: `rename ${from.join('/')} ${to.join('/')}`,
    act: (model, store) => [model.rename(from, to), codeOf(() => store.rename(spelled(from), spelled(to)))],
  }),
};

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.tuple(path, content).map(([names, text]) => steps.write(names, text)),
  fc.tuple(path, content).map(([names, text]) => steps.append(names, text)),
  fc.tuple(path, path).map(([from, to]) => steps.rename(from, to)),
  path.map(steps.read),
  path.map(steps.delete),
  path.map(steps.removeAll),
  path.map(steps.makeAll),
);

/** Everything that a guest finds, as the model gives it. */
function everything(store: FileStore, folder?: string): string[] {
  const found: string[] = [];
  for (const { name, isFolder } of store.list(folder === undefined ? undefined : at(folder))) {
    const inner = folder === undefined ? name : `${folder}/${name}`;
    if (isFolder) found.push(`${inner}/`, ...everything(store, inner));
    else found.push(`${inner}=${textOf(store, inner)}`);
  }
  return found;
}

suite('a store', () => {
  test('does to files what the contract says, in any order of calls, and keeps its quota', (t) => {
    const scratched = scratch(t);
    let round = 0;
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 40, size: 'max' }), (sequence) => {
        const folder = join(scratched, String((round += 1)));
        mkdirSync(folder);
        // Its clock stands still, so what it keeps up is what counts.
        const store = new FileStore({ root: openRoot(folder), limits, log: silent, now: () => 0 });
        try {
          const model = new Model(limits);
          for (const { name, act } of sequence) {
            const [expected, actual] = act(model, store);
            assert.equal(actual, expected, name);
          }
          assert.deepEqual(everything(store).toSorted(), model.all());
          // As much room as the model has left, and no byte more.
          const room = limits.maxBytes - model.bytes;
          const more = (size: number): number => codeOf(() => store.write(at('last'), new Uint8Array(size)));
          if (model.files < limits.maxFiles && room < limits.maxFileBytes)
            assert.deepEqual([more(room + 1), more(room)], [5, 0]);
        } finally {
          store[Symbol.dispose]();
          rmSync(folder, { recursive: true });
        }
      }),
      { numRuns: 150 },
    );
  });
});
