/**
 * Loads modules that were broken at random, and holds the loader to this: it refuses by a `ModuleError` that begins
 * with the module's name, or takes what the engine takes too. Mutants are made from the built plugins below `plugins`
 * and from a small one. A case is told by its seed alone: `node test/fuzz/module.ts --cases 1 --seed S` runs it again.
 *
 * ```sh
 * node test/fuzz/module.ts --cases 10000 --seed 1
 * ```
 */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { checkCode } from '../../runtime/src/guest/check-code.ts';
import { checkExports } from '../../runtime/src/guest/check-exports.ts';
import { compileModule } from '../../runtime/src/guest/compile.ts';
import { limitMemory } from '../../runtime/src/guest/limit-memory.ts';
import { ModuleError } from '../../runtime/src/guest/module-error.ts';
import { readModule } from '../../runtime/src/guest/module.ts';
import { readSections, writeSections } from '../../runtime/src/guest/sections.ts';
import { wat } from '../support/wat.ts';

const name = 'fuzz.wasm';
/** Bytes that mean something in many places of the format. */
const telling = [0x00, 0x01, 0x0b, 0x0e, 0x1f, 0x40, 0x60, 0x63, 0x7f, 0x80, 0xfb, 0xfc, 0xfd, 0xfe, 0xff];

/** Numbers from 0 to below `below`, by the generator mulberry32. */
type Random = (below: number) => number;

function randomFrom(seed: number): Random {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below;
  };
}

/** A copy with a few changes: bytes written over, taken out, put in or moved, in any part or in one section. */
function mutate(original: Uint8Array, random: Random): Uint8Array {
  const int: Random = (below) => Math.floor(random(below));
  const change = (content: Uint8Array): Uint8Array => {
    const at = int(content.length + 1);
    const length = int(2 ** int(6));
    const before = content.subarray(0, at);
    const taken = content.subarray(at, at + length);
    const after = content.subarray(at + length);
    const noise = Uint8Array.from(taken, () => telling[int(telling.length * 2)] ?? int(256));
    return Buffer.concat(
      [
        [before, noise, after],
        [before, after],
        [before, taken, noise, taken, after],
      ][int(3)] ?? [],
    );
  };
  let mutant = original;
  for (let changes = 1 + int(4); changes > 0; changes -= 1) {
    if (int(4) === 0) {
      mutant = change(mutant);
      continue;
    }
    try {
      // The sections stay whole, so that what is in them is looked at.
      const sections = readSections(mutant, { name });
      const chosen = int(sections.length);
      mutant = writeSections(
        sections.map(({ id, content }, index) => ({
          id,
          content: index === chosen ? change(content) : content,
        })),
      );
    } catch {
      mutant = change(mutant);
    }
  }
  return mutant;
}

/** Loads a module the way the host does. Gives the code of its error, or what became of it. */
async function load(bytes: Uint8Array): Promise<string> {
  let code = 'loaded';
  try {
    const info = readModule(bytes, { name });
    const unknown = checkCode(bytes, { name });
    await compileModule(limitMemory(bytes, 4096, { name }), { name });
    if (unknown !== undefined) throw unknown;
    checkExports(info);
  } catch (error) {
    assert.ok(error instanceof ModuleError, error as Error);
    assert.ok(error.message.startsWith(`${name}: `), error.message);
    ({ code } = error);
  }
  // What the engine takes is not broken, and has nothing in it that is unknown here.
  if (['truncated', 'malformed', 'feature', 'compile'].includes(code))
    assert.equal(WebAssembly.validate(bytes), false, code);
  return code;
}

const { values } = parseArgs({
  options: { cases: { type: 'string', default: '1000' }, seed: { type: 'string', default: '1' } },
});
const originals = [
  await wat(
    '(module (memory (export "memory") 1) (func (export "f") (param i32) (result i32) (local.get 0)))',
  ),
  ...globSync('plugins/*/build/*.wasm')
    .toSorted()
    .map((file) => readFileSync(file)),
];
const counts: Record<string, number> = {};
const first = Number(values.seed);
for (let seed = first; seed < first + Number(values.cases); seed += 1) {
  const random = randomFrom(seed);
  const original = originals[Math.floor(random(originals.length))] ?? new Uint8Array();
  try {
    const code = await load(mutate(original, random));
    counts[code] = (counts[code] ?? 0) + 1;
  } catch (error) {
    throw new Error(`seed ${seed}`, { cause: error });
  }
}
console.log(counts);
