import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { LookupAddress } from 'node:dns';
import { suite, test, type TestContext } from 'node:test';
import type { Socket } from 'node:net';
import { parseAllowedHost } from './allowed-host.ts';
import { EgressPolicy } from './egress-policy.ts';
import { EgressRefusal } from './egress-refusal.ts';
import { openSocket } from './open-socket.ts';

const v4 = (address: string): LookupAddress => ({ address, family: 4 });

interface Attempt {
  readonly hostname: string;
  readonly addresses?: readonly LookupAddress[];
}

/** Begins a connection and counts how often the name was looked up. */
function open(t: TestContext, { hostname, addresses = [] }: Attempt) {
  let lookups = 0;
  const socket = openSocket(
    { hostname, port: 9 },
    {
      policy: new EgressPolicy({ allowedHosts: undefined, allowPrivateNetwork: false }),
      resolve: () => {
        lookups += 1;
        return Promise.resolve(addresses);
      },
      secureContext: undefined,
    },
  );
  t.after(() => socket.destroy());
  return { socket, lookups: () => lookups };
}

/** How a connection ended that must not come about, and where it had tried to go. */
async function failure(socket: Socket): Promise<unknown> {
  const tried: string[] = [];
  socket.on('connectionAttempt', (address: string) => tried.push(address));
  const [error] = await once(socket, 'error').catch((reason: unknown) => [reason]);
  assert.deepEqual(tried, [], 'a connection was tried');
  return error;
}

suite('openSocket', () => {
  test('refuses a literal without a connection or a lookup', (t) => {
    for (const hostname of ['127.0.0.1', '::1', '::ffff:7f00:1', '169.254.169.254', '64:ff9b::7f00:1']) {
      assert.throws(() => open(t, { hostname }), EgressRefusal, hostname);
    }
  });

  test('refuses a name that resolves to addresses that are not public, and tries none', async (t) => {
    const { socket, lookups } = open(t, {
      hostname: 'rebound.example',
      addresses: [v4('127.0.0.1'), { address: 'fd00::1', family: 6 }, { address: 'fe80::1%lo', family: 6 }],
    });
    const error = await failure(socket);
    assert.ok(error instanceof EgressRefusal);
    assert.equal(error.message, '127.0.0.1: the address is not public: loopback');
    assert.equal(lookups(), 1);
  });

  test('of the addresses of a name it tries those that are allowed, and no other', async (t) => {
    const range = parseAllowedHost('127.0.0.1');
    const tried: string[] = [];
    const socket = openSocket(
      { hostname: 'mixed.example', port: 9 },
      {
        policy: new EgressPolicy({ allowedHosts: [range], allowPrivateNetwork: false }),
        resolve: () => Promise.resolve(['127.0.0.2', '127.0.0.1', '10.0.0.1', '192.0.2.1'].map(v4)),
        secureContext: undefined,
      },
    );
    t.after(() => socket.destroy());
    socket.on('connectionAttempt', (address: string) => tried.push(address));
    // Whether anything listens there or not.
    socket.on('error', () => undefined);
    await new Promise((resolve) => socket.once('connect', resolve).once('close', resolve));
    assert.deepEqual(tried, ['127.0.0.1']);
  });

  test('judges a name again for each connection', async (t) => {
    const answers = [v4('127.0.0.1'), v4('10.0.0.1')];
    const policy = new EgressPolicy({
      allowedHosts: [parseAllowedHost('127.0.0.1')],
      allowPrivateNetwork: false,
    });
    const resolve = (): Promise<LookupAddress[]> => Promise.resolve(answers.splice(0, 1));
    const again = (): Socket =>
      openSocket({ hostname: 'rebound.example', port: 9 }, { policy, resolve, secureContext: undefined });
    const first = again();
    t.after(() => first.destroy());
    first.on('error', () => undefined);
    await once(first, 'connectionAttempt');
    const second = again();
    t.after(() => second.destroy());
    assert.ok((await failure(second)) instanceof EgressRefusal);
  });

  test('fails for a name without addresses', async (t) => {
    const error = await failure(open(t, { hostname: 'nothing.example' }).socket);
    assert.ok(error instanceof EgressRefusal);
  });
});
