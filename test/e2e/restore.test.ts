/** What a host does about a `pulp restore` that was killed before it. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test, type TestContext } from 'node:test';
import { RestoreStaging } from '../../runtime/src/host/storage-restore.ts';
import { fsGuest, fsRequest } from '../support/fs-guest.ts';
import { pluginFolder } from '../support/plugin-folder.ts';
import { PulpProcess } from '../support/pulp-process.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { watGuest } from '../support/wat-guest.ts';

function note(plugins: string, text: string): void {
  mkdirSync(join(plugins, 'guest'), { recursive: true });
  writeFileSync(join(plugins, 'guest', 'note'), text);
}

/** A storage root with a note of the plugin, and what a restore has put together of another one. */
async function halfRestored(t: TestContext) {
  const storageRoot = await temporaryFolder(t);
  note(storageRoot, 'as it was');
  const staging = new RestoreStaging(storageRoot);
  await staging.begin();
  note(staging.restored, 'restored');
  const start = async (): Promise<PulpProcess> => {
    const manifest = 'capabilities = ["transport.http.inbound", "storage.fs"]';
    const file = await pluginFolder(t, { wasm: await watGuest(fsGuest()), manifest });
    return PulpProcess.start(t, { manifest: file, args: ['-storage-root', storageRoot] });
  };
  const left = (): boolean => existsSync(join(storageRoot, '.pulp', 'restore'));
  return { staging, start, left };
}

const read = async (pulp: PulpProcess): Promise<string> =>
  (await fsRequest(pulp, 'fs_read', 'note')).result.toString();

suite('a host that finds a restore which was killed', () => {
  test('finishes it before any plugin starts, and says so, when all of the copy was there', async (t) => {
    const { staging, start, left } = await halfRestored(t);
    await staging.ready();
    const pulp = await start();
    assert.equal(await read(pulp), 'restored');
    const { level, plugins } = await pulp.line('restore finished');
    assert.deepEqual([level, plugins], ['WARN', '[guest]']);
    assert.ok(pulp.messages.indexOf('restore finished') < pulp.messages.indexOf('init complete'));
    assert.equal(left(), false);
  });

  test('forgets it, and leaves everything as it was, when it had not come that far', async (t) => {
    const { start, left } = await halfRestored(t);
    const pulp = await start();
    assert.equal(await read(pulp), 'as it was');
    assert.ok(!pulp.messages.includes('restore finished'));
    assert.equal(left(), false);
  });
});
