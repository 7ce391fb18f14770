import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { temporaryFolder } from '../../../test/support/temporary-folder.ts';
import { readBounded } from './load-plugin.ts';

/** A file of Linux that looks like any other, and that a read waits in until the kernel says something. */
const waiting = '/proc/kmsg';

function missing(): string | false {
  try {
    accessSync(waiting, constants.R_OK);
    return false;
  } catch {
    return `${waiting} may not be read`;
  }
}

suite('reading a file of a plugin', () => {
  const what = 'manifest';

  test('gives its bytes up to a limit', async (t) => {
    const file = join(await temporaryFolder(t), 'file');
    await writeFile(file, 'abc');
    assert.equal((await readBounded(file, { what, limit: 3 })).toString(), 'abc');
    await assert.rejects(readBounded(file, { what, limit: 2 }), /3 bytes are too many for the manifest/);
  });

  test('says what else it is, and does not wait', { skip: process.platform === 'win32' }, async (t) => {
    const folder = await temporaryFolder(t);
    execFileSync('mkfifo', [join(folder, 'pipe')]);
    for (const [file, reason] of [
      [join(folder, 'pipe'), /the manifest is not a regular file$/],
      ['/dev/zero', /the manifest is not a regular file$/],
      [folder, /the manifest is a folder, not a file$/],
      [join(folder, 'none'), /the manifest is not there$/],
    ] as const) {
      await assert.rejects(readBounded(file, { what, limit: 100 }), reason);
    }
  });

  test('does not wait for what has nothing yet', { skip: missing() }, async () => {
    // What is there already is read, and then there is nothing.
    await assert.rejects(readBounded(waiting, { what, limit: 100 }), { code: 'EAGAIN' });
  });
});
