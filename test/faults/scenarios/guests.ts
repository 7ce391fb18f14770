/** What a guest does to itself: traps, lies about memory, takes all of it, or prints without end. */
import assert from 'node:assert/strict';
import { all, arm, respond, text, trap, whenArmed } from '../../support/wat-guest.ts';
import { faultyPlugin } from '../support/faulty-plugin.ts';
import { pause, type Recovery, type Scenario } from '../support/scenario.ts';

export const trapStorm: Scenario = {
  name: 'trap storm',
  async prepare(t) {
    const { name, manifest } = await faultyPlugin(t, {
      name: 'traps',
      guest: { routes: { 'GET /traps/now': trap() } },
    });
    return {
      manifests: [manifest],
      async inject({ host, client, faultMs }) {
        const first = await client.ask('/traps/now');
        assert.equal(first.status, 502, first.body);
        const ms = await client.serving('/traps/ok');
        const counts = await client.storm('/traps/now', { lanes: 8, ms: faultMs });
        const refused = new Set(counts.keys());
        assert.ok(refused.isSubsetOf(new Set([502, 503])), `answers were ${[...refused].join(', ')}`);
        const { state, crashes } = await host.plugin(name);
        assert.deepEqual({ state, crashes }, { state: 'failed', crashes: 5 });
        const { status, headers } = await client.ask('/traps/ok');
        assert.equal(status, 503);
        assert.ok(headers['retry-after'] !== undefined, 'a client hears when to come again');
        await host.tell({ what: 'start', plugin: name });
        assert.equal((await client.ask('/traps/ok')).status, 200);
        return [{ what: 'serves again after a trap', ms, goalMs: 20 }];
      },
    };
  },
};

/** What an allocator gives, by how it is armed. */
const lies = {
  null: '(i32.const 0)',
  overlapping: '(i32.const 4096)',
  'out of range': '(i32.const 0x7fff0000)',
  'round the end': '(i32.const -8)',
} as const;

export const lyingAllocator: Scenario = {
  name: 'allocator that lies',
  async prepare(t) {
    const kinds = Object.entries(lies);
    const { name, manifest } = await faultyPlugin(t, {
      name: 'liar',
      guest: {
        routes: Object.fromEntries(
          kinds.map((_, index) => [
            `GET /liar/${index + 1}`,
            all(arm(index + 1), respond({ body: 'armed' })),
          ]),
        ),
        alloc: all(...kinds.map(([, lie], index) => whenArmed(text(`(return ${lie})`), index + 1))),
      },
    });
    return {
      manifests: [manifest],
      async inject({ host, client, faultMs }) {
        const recoveries: Recovery[] = [];
        for (const [index, [kind]] of kinds.entries()) {
          assert.equal((await client.ask(`/liar/${index + 1}`)).status, 200, kind);
          const counts = await client.storm('/liar/ok', { lanes: 4, ms: faultMs / kinds.length });
          // A guest whose own constants were written over may do anything that a guest may.
          if (kind !== 'overlapping') assert.deepEqual([...counts.keys()], [500], kind);
          const begun = performance.now();
          await host.tell({ what: 'restart', plugin: name });
          await client.serving('/liar/ok');
          recoveries.push({ what: `started afresh (${kind})`, ms: performance.now() - begun });
        }
        return recoveries;
      },
    };
  },
};

const mebibyte = 2 ** 20;

export const memoryHog: Scenario = {
  name: 'memory hog',
  async prepare(t) {
    // One alone has no more than all together may have.
    const names = ['hog', 'glutton'];
    const plugins = names.map((name) =>
      faultyPlugin(t, {
        name,
        guest: {
          // 256 pages are 16 MiB. `memory.fill` takes them from the machine, too.
          routes: {
            [`GET /${name}/grow`]: all(
              text('(local.set $at (i32.shl (memory.grow (i32.const 256)) (i32.const 16)))'),
              text(`(if (i32.ne (local.get $at) (i32.const -65536)) (then
                (memory.fill (local.get $at) (i32.const 1) (i32.const ${16 * mebibyte}))))`),
              respond({ body: 'grown' }),
            ),
          },
        },
        manifest: 'capabilities = ["transport.http.inbound"]\ntick_interval_ms = 0\nmax_memory_pages = 65536',
      }),
    );
    return {
      manifests: (await Promise.all(plugins)).map(({ manifest }) => manifest),
      options: { maxMemoryBytes: 96 * mebibyte },
      async inject({ host, client }) {
        const counts = new Map<number, number>();
        let refusedAt: number | undefined;
        for (let left = 200; left > 0 && refusedAt === undefined; left--) {
          const { status } = await client.ask(`/${names[left % 2]}/grow`);
          counts.set(status, (counts.get(status) ?? 0) + 1);
          if (status === 503) refusedAt = performance.now();
          else await pause(20);
        }
        assert.ok(refusedAt !== undefined, `it was never refused: ${JSON.stringify([...counts])}`);
        for (const name of names) await client.serving(`/${name}/ok`);
        const ms = performance.now() - refusedAt;
        const after = await host.status();
        assert.ok(after.guestBytes < 96 * mebibyte, `${after.guestBytes} bytes are left to it`);
        return [{ what: 'started afresh after 503 for want of memory', ms }];
      },
    };
  },
};

export const logFlood: Scenario = {
  name: 'log flood',
  async prepare(t) {
    const line = Buffer.from(`${'x'.repeat(99)}\n`);
    const { manifest } = await faultyPlugin(t, {
      name: 'flood',
      guest: {
        imports:
          '(import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))',
        routes: {
          'GET /flood/log': all(
            (data) => {
              const [, at = '0'] = /\(i32\.const (\d+)\)/.exec(data.add(line)) ?? [];
              return `(i32.store (i32.const 464) (i32.const ${at}))
                (i32.store (i32.const 468) (i32.const ${line.length}))`;
            },
            text(`(local.set $length (i32.const 10000))
              (loop $again
                (drop (call $fd_write (i32.const 1) (i32.const 464) (i32.const 1) (i32.const 472)))
                (local.set $length (i32.sub (local.get $length) (i32.const 1)))
                (br_if $again (local.get $length)))`),
            respond({ body: 'printed' }),
          ),
        },
      },
    });
    return {
      manifests: [manifest],
      async inject({ client, faultMs }) {
        const counts = await client.storm('/flood/log', { lanes: 2, ms: faultMs });
        assert.deepEqual([...counts.keys()], [200]);
        return [{ what: 'serves again', ms: await client.serving('/flood/ok') }];
      },
    };
  },
};
