import { suite, test } from 'node:test';
import assert from 'node:assert/strict';
import { testWasi } from '../../../../test/support/wasi.ts';

const badf = 8;
const fault = 21;
const spipe = 70;
const notcapable = 76;

/** Writes iovecs at 1024 that name the texts given, which are put at 2048 and on. */
function place(view: DataView, texts: readonly string[]): void {
  let at = 2048;
  for (const [index, text] of texts.entries()) {
    const bytes = new TextEncoder().encode(text);
    new Uint8Array(view.buffer).set(bytes, at);
    view.setUint32(1024 + index * 8, at, true);
    view.setUint32(1028 + index * 8, bytes.length, true);
    at += bytes.length;
  }
}

function iovec(view: DataView, index: number, pointer: number, length: number): void {
  view.setUint32(1024 + index * 8, pointer, true);
  view.setUint32(1028 + index * 8, length, true);
}

suite('standard streams', () => {
  test('what is written comes out in one piece, with its stream', () => {
    const { call, view, printed } = testWasi();
    place(view(), ['hello ', '', 'world\n']);
    assert.equal(call('fd_write', 1, 1024, 3, 8), 0);
    assert.equal(view().getUint32(8, true), 12);
    assert.equal(call('fd_write', 2, 1024, 1, 8), 0);
    const texts = printed.map(([fd, bytes]) => [fd, new TextDecoder().decode(bytes)]);
    assert.deepEqual(texts, [
      [1, 'hello world\n'],
      [2, 'hello '],
    ]);
  });

  test('what comes out is a copy', () => {
    const { call, view, printed } = testWasi();
    place(view(), ['hello']);
    call('fd_write', 1, 1024, 1, 8);
    view().setUint8(2048, 0);
    assert.deepEqual([...(printed[0]?.[1] ?? [])], [...new TextEncoder().encode('hello')]);
  });

  test('writing nothing succeeds and gives nothing out', () => {
    const { call, view, printed } = testWasi();
    view().setUint32(8, 99, true);
    assert.equal(call('fd_write', 1, 0, 0, 8), 0);
    assert.equal(view().getUint32(8, true), 0);
    assert.deepEqual(printed, []);
  });

  test('ranges outside memory are EFAULT and nothing is printed', () => {
    const { call, view, printed } = testWasi();
    place(view(), ['one', 'two']);
    assert.equal(call('fd_write', 1, 65_536 - 7, 1, 8), fault);
    assert.equal(call('fd_write', 1, -8, 2, 8), fault);
    assert.equal(call('fd_write', 1, 1024, -1, 8), fault);
    assert.equal(call('fd_write', 1, 1024, 0x2000_0000, 8), fault);
    assert.equal(call('fd_write', 1, 1024, 1, 65_533), fault);
    iovec(view(), 1, 0xffff_fff0, 0x20);
    assert.equal(call('fd_write', 1, 1024, 2, 8), fault);
    iovec(view(), 1, 65_530, 7);
    assert.equal(call('fd_write', 1, 1024, 2, 8), fault);
    assert.deepEqual(printed, []);
  });

  test('iovecs that all name the whole memory are written in part', () => {
    const { call, view, printed } = testWasi();
    for (let index = 0; index < 100; index += 1) iovec(view(), index, 0, 60_000);
    assert.equal(call('fd_write', 1, 1024, 100, 8), 0);
    assert.equal(view().getUint32(8, true), 1024 * 1024);
    assert.equal(printed[0]?.[1].length, 1024 * 1024);
  });

  test('standard input is at its end', () => {
    const { call, view } = testWasi();
    iovec(view(), 0, 4096, 100);
    view().setUint32(8, 99, true);
    assert.equal(call('fd_read', 0, 1024, 1, 8), 0);
    assert.equal(view().getUint32(8, true), 0);
    assert.equal(call('fd_read', 0, -4, 1, 8), fault);
    assert.equal(call('fd_read', 0, 1024, 1, 65_534), fault);
  });

  test('input cannot be written, output cannot be read, others are not there', () => {
    const { call } = testWasi();
    assert.equal(call('fd_write', 0, 1024, 1, 8), notcapable);
    assert.equal(call('fd_read', 1, 1024, 1, 8), notcapable);
    for (const fd of [3, -1, 0x7fff_ffff]) {
      assert.equal(call('fd_write', fd, 1024, 1, 8), badf);
      assert.equal(call('fd_read', fd, 1024, 1, 8), badf);
      assert.equal(call('fd_fdstat_get', fd, 0), badf);
      assert.equal(call('fd_filestat_get', fd, 0), badf);
      assert.equal(call('fd_close', fd), badf);
      assert.equal(call('fd_seek', fd, 0n, 0, 0), badf);
    }
  });

  test('no directory was opened before', () => {
    const { call } = testWasi();
    for (const fd of [0, 3, 4]) {
      assert.equal(call('fd_prestat_get', fd, 0), badf);
      assert.equal(call('fd_prestat_dir_name', fd, 0, 10), badf);
    }
  });

  test('streams are character devices without the right to seek', () => {
    const { call, view } = testWasi();
    new Uint8Array(view().buffer, 0, 512).fill(0xff);
    for (const fd of [0, 1, 2]) {
      assert.equal(call('fd_fdstat_get', fd, 64), 0);
      assert.equal(view().getUint8(64), 2);
      assert.equal(view().getUint16(66, true), 0);
      const rights = view().getBigUint64(72, true);
      assert.equal(rights & 2n, fd === 0 ? 2n : 0n);
      assert.equal(rights & 64n, fd === 0 ? 0n : 64n);
      assert.equal(rights & ((1n << 2n) | (1n << 5n)), 0n);
      assert.equal(view().getBigUint64(80, true), 0n);
      assert.equal(view().getUint8(88), 0xff);
      assert.equal(call('fd_filestat_get', fd, 128), 0);
      assert.equal(view().getUint8(144), 2);
      assert.equal(view().getBigUint64(160, true), 0n);
      assert.equal(view().getUint8(192), 0xff);
    }
    assert.equal(call('fd_fdstat_get', 1, 65_536 - 23), fault);
    assert.equal(call('fd_filestat_get', 1, 65_536 - 63), fault);
  });

  test('flags are kept, unknown ones refused', () => {
    const { call, view } = testWasi();
    assert.equal(call('fd_fdstat_set_flags', 1, 4), 0);
    call('fd_fdstat_get', 1, 64);
    assert.equal(view().getUint16(66, true), 4);
    assert.equal(call('fd_fdstat_set_flags', 1, 32), 28);
    assert.equal(call('fd_fdstat_set_flags', 7, 4), badf);
  });

  test('streams have no position, and hold nothing back', () => {
    const { call } = testWasi();
    assert.equal(call('fd_seek', 1, 0n, 1, 8), spipe);
    assert.equal(call('fd_tell', 1, 8), spipe);
    assert.equal(call('fd_pread', 0, 1024, 1, 0n, 8), spipe);
    assert.equal(call('fd_pwrite', 1, 1024, 1, 0n, 8), spipe);
    assert.equal(call('fd_sync', 1), 0);
    assert.equal(call('fd_datasync', 2), 0);
    assert.equal(call('fd_sync', 5), badf);
  });

  test('a stream that was closed is gone', () => {
    const { call, printed } = testWasi();
    assert.equal(call('fd_close', 1), 0);
    assert.equal(call('fd_close', 1), badf);
    assert.equal(call('fd_write', 1, 1024, 0, 8), badf);
    assert.deepEqual(printed, []);
  });

  test('a stream that was renumbered goes where it went before', () => {
    const { call, view, printed } = testWasi();
    place(view(), ['x']);
    assert.equal(call('fd_renumber', 2, 1), 0);
    assert.equal(call('fd_write', 1, 1024, 1, 8), 0);
    assert.equal(printed[0]?.[0], 2);
    assert.equal(call('fd_write', 2, 1024, 1, 8), badf);
    assert.equal(call('fd_renumber', 1, 9), badf);
    assert.equal(call('fd_renumber', 1, 1), 0);
    assert.equal(call('fd_write', 1, 1024, 1, 8), 0);
  });
});
