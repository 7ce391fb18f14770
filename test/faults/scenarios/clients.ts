/** What clients do to a plugin and to the host: floods, and reading nothing. */
import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { SseClient } from '../../support/sse-client.ts';
import { emitMessage, messages, sseGuest } from '../../support/sse-guest.ts';
import type { Scope } from '../../support/scope.ts';
import { until } from '../../support/until.ts';
import { all as each, busy, respond } from '../../support/wat-guest.ts';
import { faultyPlugin } from '../support/faulty-plugin.ts';
import { pause, type Scenario } from '../support/scenario.ts';
import { reset } from '../../support/reset.ts';

const streams = 'capabilities = ["transport.http.inbound", "transport.sse"]\ntick_interval_ms = 0';

/** Opens connections that a test does what it likes with. They end with their scope. */
async function sockets(t: Scope, port: number, count: number): Promise<readonly Socket[]> {
  const all = Array.from({ length: count }, () => {
    const socket = connect({ port, host: '127.0.0.1' });
    // The host may close what it likes: the neighbour is who counts.
    socket.on('error', () => undefined);
    t.after(() => socket.destroy());
    return socket;
  });
  await Promise.all(
    all.map(
      (socket) =>
        new Promise<void>((resolve) => {
          socket.once('connect', () => resolve()).once('close', () => resolve());
        }),
    ),
  );
  return all;
}

/** A plugin that gives its subscribers more than they, or anybody, can use. */
export const eventFlood: Scenario = {
  name: 'event flood from a plugin',
  async prepare(t) {
    const { manifest } = await faultyPlugin(t, {
      name: 'events',
      guest: sseGuest({ paths: ['/events'] }),
      manifest: streams,
    });
    return {
      manifests: [manifest],
      async inject({ t: scope, host, client, faultMs }) {
        const subscribers = await Promise.all(
          Array.from({ length: 10 }, () => SseClient.open(scope, { port: host.port, path: '/events' })),
        );
        const one = emitMessage('/events', { data: 'x'.repeat(1000) });
        const body = messages(Array.from({ length: 200 }, () => one));
        const counts = await client.storm('/emits', { method: 'POST', body, lanes: 2, ms: faultMs });
        assert.deepEqual([...counts.keys()], [200]);
        assert.ok(
          subscribers.some(({ events }) => events.length > 0),
          'events arrived',
        );
        const ms = await client.serving('/events/ok');
        for (const subscriber of subscribers) subscriber.close();
        return [{ what: 'serves again', ms }];
      },
    };
  },
};

/** A plugin that has small events for many subscribers all the time, while new clients knock. */
export const fanOutFlood: Scenario = {
  name: 'event flood to many subscribers',
  async prepare(t) {
    const message = emitMessage('/many', { data: 'x' });
    const { manifest } = await faultyPlugin(t, {
      name: 'many',
      guest: sseGuest({
        paths: ['/many'],
        tick: (data) => `(local.set $length (i32.const 2000))
          (loop $again
            (drop (call $sse_emit ${data.add(message)}))
            (local.set $length (i32.sub (local.get $length) (i32.const 1)))
            (br_if $again (local.get $length)))`,
      }),
      manifest: 'capabilities = ["transport.http.inbound", "transport.sse"]\ntick_interval_ms = 1',
    });
    return {
      manifests: [manifest],
      async inject({ t: scope, host, client, faultMs }) {
        const ended = performance.now() + faultMs;
        const subscribers = await sockets(scope, host.port, 300);
        for (const socket of subscribers) {
          socket.resume();
          socket.write('GET /many HTTP/1.1\r\nHost: many\r\n\r\n');
        }
        await pause(100);
        let longest = 0;
        do {
          const fresh = Array.from({ length: 100 }, () => client.ask('/echo/knock', { alone: true }));
          for (const { status, body, ms } of await Promise.all(fresh)) {
            assert.deepEqual([status, body], [200, 'knock']);
            longest = Math.max(longest, ms);
          }
        } while (performance.now() < ended);
        assert.ok(
          subscribers.every(({ bytesRead }) => bytesRead > 1000),
          'events arrived',
        );
        for (const socket of subscribers) reset(socket);
        return [
          { what: 'the last of a hundred new connections to the neighbour served', ms: longest },
          { what: 'serves again', ms: await client.serving('/many/ok') },
        ];
      },
    };
  },
};

/** Clients that ask for more than a plugin can do: its queue fills. */
export const queueFlood: Scenario = {
  name: "flood of a plugin's queue",
  async prepare(t) {
    const { manifest } = await faultyPlugin(t, {
      name: 'slow',
      guest: { routes: { 'GET /slow/busy': each(busy(2), respond({ body: 'done' })) } },
    });
    return {
      manifests: [manifest],
      async inject({ t: scope, host, client, faultMs }) {
        const request = Buffer.from('GET /slow/busy HTTP/1.1\r\nHost: flood\r\n\r\n'.repeat(20));
        const ended = performance.now() + faultMs;
        const seen = new Set<string>();
        const all = await sockets(scope, host.port, 100);
        for (const socket of all) {
          socket.setEncoding('latin1').on('data', (text: string) => {
            for (const [, status = ''] of text.matchAll(/HTTP\/1\.1 (\d{3})/g)) seen.add(status);
          });
          socket.write(request);
        }
        await until(() => seen.has('503'), 'the queue was full');
        await pause(Math.max(0, ended - performance.now()));
        assert.ok(seen.isSubsetOf(new Set(['200', '503'])), `answers were ${[...seen].join(', ')}`);
        for (const socket of all) reset(socket);
        return [{ what: 'serves again', ms: await client.serving('/slow/ok') }];
      },
    };
  },
};

/** Clients that take nothing of large answers, and subscribers that take none of their events. */
export const slowConsumers: Scenario = {
  name: 'clients that never read',
  async prepare(t) {
    const { manifest } = await faultyPlugin(t, {
      name: 'large',
      guest: sseGuest({
        paths: ['/events'],
        routes: { 'GET /large/body': respond({ body: Buffer.alloc(128 * 1024, 'x') }) },
      }),
      manifest: streams,
    });
    return {
      manifests: [manifest],
      async inject({ t: scope, host, client, faultMs }) {
        const ended = performance.now() + faultMs;
        const all = await sockets(scope, host.port, 50);
        for (const [index, socket] of all.entries()) {
          socket.pause();
          const path = index % 2 === 0 ? '/large/body' : '/events';
          socket.write(`GET ${path} HTTP/1.1\r\nHost: slow\r\n\r\n`.repeat(index % 2 === 0 ? 50 : 1));
        }
        const one = emitMessage('/events', { data: 'x'.repeat(10_000) });
        const body = messages(Array.from({ length: 20 }, () => one));
        const ms = Math.max(100, ended - performance.now());
        const counts = await client.storm('/emits', { method: 'POST', body, lanes: 1, ms });
        assert.ok(counts.has(200), `answers were ${JSON.stringify([...counts])}`);
        const serves = await client.serving('/large/ok');
        for (const socket of all) reset(socket);
        return [{ what: 'serves while nobody reads', ms: serves }];
      },
    };
  },
};

/** Connections that say nothing, too little or half, and ones that come and go. */
export const clientFloods: Scenario = {
  name: 'floods of connections',
  async prepare(t) {
    const { manifest } = await faultyPlugin(t, { name: 'visited', guest: {} });
    return {
      manifests: [manifest],
      options: { maxConnections: 600, headerTimeoutMs: 1000 },
      async inject({ t: scope, host, client, faultMs }) {
        const ended = performance.now() + faultMs;
        const all = await sockets(scope, host.port, 500);
        const idle = all.slice(0, 200);
        const loris = all.slice(200, 350);
        const halves = all.slice(350);
        for (const socket of halves) {
          socket.write('POST /visited/ok HTTP/1.1\r\nHost: half\r\nContent-Length: 1000\r\n\r\nhalf');
        }
        for (const socket of loris) socket.write('GET /visited/ok HTTP/1.1\r\nHost: slow\r\n');
        while (performance.now() < ended) {
          for (const socket of loris) if (!socket.destroyed) socket.write('X: y\r\n');
          // What is over the limit is closed as it comes.
          const more = await sockets(scope, host.port, 20);
          for (const socket of more) reset(socket);
          await pause(20);
        }
        const ms = await client.serving('/visited/ok');
        for (const socket of [...idle, ...loris, ...halves]) reset(socket);
        return [{ what: 'serves meanwhile', ms }];
      },
    };
  },
};
