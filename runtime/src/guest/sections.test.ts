import { suite, test } from 'node:test';
import assert from 'node:assert/strict';
import { gzipSync } from 'node:zlib';
import { wat } from '../../../test/support/wat.ts';
import { ModuleError } from './module-error.ts';
import type { ModuleErrorCode } from './module-error.ts';
import { maxSectionBytes, readSections, replaceParts, sectionId, writeSections } from './sections.ts';

const name = 'echo.wasm';
const magic = [0x00, 0x61, 0x73, 0x6d];

function refused(bytes: Uint8Array | string, code: ModuleErrorCode, says: RegExp): void {
  const given = typeof bytes === 'string' ? new TextEncoder().encode(bytes) : bytes;
  assert.throws(
    () => readSections(given, { name }),
    (error) => {
      assert.ok(error instanceof ModuleError);
      assert.equal(error.code, code);
      assert.match(error.message, says);
      assert.match(error.message, /^echo\.wasm: /);
      return true;
    },
  );
}

function sized(id: number, size: number): Uint8Array {
  return writeSections([{ id, content: new Uint8Array(size) }]);
}

suite('sections', () => {
  test('what was read and written again is the same module', async () => {
    const bytes = await wat(
      '(module (memory (export "memory") 1) (func (export "f") (result i32) i32.const 7))',
    );
    assert.deepEqual(writeSections(readSections(bytes, { name })), bytes);
  });

  test('bytes that are something else are said to be what they look like', () => {
    refused('', 'not-wasm', /the file is empty/);
    refused('(module)', 'not-wasm', /text form \(WAT\); assemble it/);
    refused('\n;; a remark\n  (module $echo)', 'not-wasm', /text form \(WAT\)/);
    refused('(component)', 'not-wasm', /a component in text form/);
    refused('hello, wörld', 'not-wasm', /it is text/);
    refused('<!DOCTYPE html><p>404', 'not-wasm', /HTML or XML page/);
    refused('version https://git-lfs.github.com/spec/v1\n', 'not-wasm', /git lfs pull/);
    refused(gzipSync('x'), 'not-wasm', /gzip/);
    refused(Uint8Array.of(0x7f, 0x45, 0x4c, 0x46, 2, 1), 'not-wasm', /native ELF program/);
    refused(new Uint8Array(64), 'not-wasm', /nothing but zeros/);
    refused(Uint8Array.of(1, 2, 3, 0xff, 9), 'not-wasm', /begins with 01 02 03 ff/);
  });

  test('a component is told from a module, and what to build instead is said', () => {
    refused(Uint8Array.of(...magic, 0x0d, 0, 1, 0), 'component', /this is a component; build a core module/);
  });

  test('another version of the format is refused', () => {
    refused(Uint8Array.of(...magic, 2, 0, 0, 0), 'version', /version 2/);
    refused(Uint8Array.of(...magic, 1, 0, 7, 0), 'version', /layer 7/);
  });

  test('a module cut off in its header or in a section is truncated, and where is said', async () => {
    refused(Uint8Array.of(...magic, 1), 'truncated', /in its header, after 5 bytes/);
    const bytes = await wat('(module (func (export "f")))');
    refused(
      bytes.subarray(0, 11),
      'truncated',
      /the type section, at byte 8, is 4 bytes long, but only 1 are left/,
    );
    const starts = new Set(readSections(bytes, { name }).map(({ offset }) => offset - 2));
    for (let length = 8; length < bytes.length; length += 1) {
      // Between two sections a shorter module is a whole one.
      if (starts.has(length)) continue;
      refused(bytes.subarray(0, length), 'truncated', /ends too early/);
    }
  });

  test('a section that claims 4 GiB is truncated', () => {
    const bytes = Uint8Array.of(...magic, 1, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff, 0x0f);
    refused(bytes, 'truncated', /4294967295 bytes long, but only 0 are left/);
  });

  test('a section that is there twice is refused, but for custom ones', () => {
    refused(
      Uint8Array.of(...magic, 1, 0, 0, 0, 5, 1, 0, 5, 1, 0),
      'malformed',
      /the memory section is there twice/,
    );
    const custom = Uint8Array.of(...magic, 1, 0, 0, 0, 0, 1, 0, 0, 1, 0);
    assert.equal(readSections(custom, { name }).length, 2);
  });

  test('a section beyond its limit is refused, whatever is in it, but for code, data and custom ones', () => {
    for (const id of [sectionId.type, sectionId.import, sectionId.export, sectionId.element, 99]) {
      assert.equal(readSections(sized(id, maxSectionBytes), { name }).length, 1);
      refused(sized(id, maxSectionBytes + 1), 'limit', /has 1048577 bytes, but a plugin's may have 1048576/);
    }
    for (const id of [sectionId.code, sectionId.data, sectionId.custom]) {
      assert.equal(readSections(sized(id, maxSectionBytes + 1), { name }).length, 1);
    }
  });

  test('sections of an unknown kind are kept', () => {
    const bytes = Uint8Array.of(...magic, 1, 0, 0, 0, 99, 1, 7);
    assert.deepEqual(writeSections(readSections(bytes, { name })), bytes);
  });

  test('parts are replaced by others of any length', () => {
    const replaced = replaceParts(Uint8Array.of(1, 2, 3, 4), [
      { start: 0, end: 1, bytes: Uint8Array.of(9, 9) },
      { start: 2, end: 4, bytes: new Uint8Array(0) },
    ]);
    assert.deepEqual([...replaced], [9, 9, 2]);
  });

  test('a section can be added, for the engine to accept', async () => {
    const sections = readSections(await wat('(module)'), { name });
    const bytes = writeSections([...sections, { id: sectionId.memory, content: Uint8Array.of(1, 0, 1) }]);
    assert.ok(WebAssembly.validate(bytes));
  });
});
