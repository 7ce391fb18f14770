import assert from 'node:assert/strict';
import { before, suite, test } from 'node:test';
import { maxRoutes } from '../../runtime/src/capabilities/http-inbound/http-plugin.ts';
import { startGuest } from '../support/guest-host.ts';
import { heapFiller } from '../support/heap-filler.ts';
import { array, bin, int, map, mapHeader, str } from '../support/msgpack-bytes.ts';
import { mirrored } from '../support/mirrored.ts';
import type { PulpProcess } from '../support/pulp-process.ts';
import { suiteScope } from '../support/scope.ts';
import {
  all,
  arm,
  codes,
  mirror,
  respond,
  respondAt,
  respondBytes,
  respondRaw,
  text,
  whenArmed,
  type Action,
} from '../support/wat-guest.ts';

const fsRead = '(import "pulp" "fs_read" (func $fs_read (param i32 i32 i32 i32) (result i32)))';

/** Registers a route with these bytes, and notes the code. */
function register(bytes: Uint8Array): Action {
  return (data) => `(call $note (call $http_register ${data.add(bytes)}))`;
}

function route(method: string, path: string): Buffer {
  return map([
    ['method', str(method)],
    ['path', str(path)],
  ]);
}

/** Gives a message whole and cut off at each byte; notes the first code, and 1 for each other one that is not 3. */
function truncated(bytes: Uint8Array): Action {
  return (data) => {
    const [, at = '0'] = /\(i32\.const (\d+)\)/.exec(data.add(bytes)) ?? [];
    return `(local.set $length (i32.const ${bytes.length}))
      (call $note (call $http_respond (i32.const ${at}) (local.get $length)))
      (loop $shorter
        (local.set $length (i32.sub (local.get $length) (i32.const 1)))
        (if (i32.eqz (local.get $length)) (then (return (i32.const 0))))
        (if (i32.ne (call $http_respond (i32.const ${at}) (local.get $length)) (i32.const 3))
          (then (call $note (i32.const 1))))
        (br $shorter))`;
  };
}

/** Registers so many different routes in a loop, and notes the code of the last. */
function registerMany(count: number): Action {
  const bytes = route('GET', '/many/aaaa');
  return (data) => {
    const place = data.add(bytes);
    const [, at = '0'] = /\(i32\.const (\d+)\)/.exec(place) ?? [];
    // The last four bytes of the path are the number, four bits a letter.
    const letters = [0, 4, 8, 12].map(
      (shift, index) => `(i32.store8 (i32.const ${Number(at) + bytes.length - 1 - index})
        (i32.add (i32.const 97) (i32.and (i32.shr_u (local.get $length) (i32.const ${shift})) (i32.const 15))))`,
    );
    return `(local.set $length (i32.const ${count}))
      (loop $another
        (local.set $length (i32.sub (local.get $length) (i32.const 1)))
        ${letters.join('\n')}
        (local.set $at (call $http_register ${place}))
        (br_if $another (local.get $length)))
      (call $note (local.get $at))`;
  };
}

const whole = map([
  ['id', int(0)],
  ['status', int(200)],
  ['headers', map([['X-A', str('b')]])],
  ['body', bin('body')],
]);

/** Calls that are refused, each with its code. */
const refused: Readonly<Record<string, readonly [code: number, call: Action]>> = {
  'an empty message': [1, respondAt(4096, 0)],
  'a message that begins behind the memory': [2, respondAt(0x7fff_0000, 16)],
  'a message that ends behind the memory': [2, respondAt(4096, 0x7fff_ffff)],
  'a message that wraps round 32 bits': [2, respondAt(-16, 32)],
  'a message of 4 GiB': [2, respondAt(0, -1)],
  'a map that claims 4 billion keys': [3, respondRaw(mapHeader(0xffff_ffff))],
  'an array that claims 4 billion items': [3, respondRaw(Buffer.from([0xdd, 255, 255, 255, 255]))],
  'a body that claims 4 GiB': [
    3,
    respondRaw(Buffer.concat([mapHeader(1), str('body'), Buffer.from([0xc6, 255, 255, 255, 255, 1])])),
  ],
  'a text that claims 4 GiB': [
    3,
    respondRaw(Buffer.concat([mapHeader(1), Buffer.from([0xdb, 255, 255, 255, 255, 1])])),
  ],
  'headers that claim 4 billion pairs': [
    3,
    respondRaw(Buffer.concat([mapHeader(1), str('headers'), mapHeader(0xffff_ffff)])),
  ],
  'an extension': [3, respondRaw(Buffer.from([0xc9, 255, 255, 255, 255, 1, 0]))],
  'an array nested 10,000 deep': [3, respondRaw(Buffer.alloc(10_000, 0x91))],
  'a map nested 10,000 deep and cut off': [3, respondRaw(Buffer.from('81a178'.repeat(10_000), 'hex'))],
  'the byte that begins nothing': [3, respondRaw(Buffer.from([0xc1]))],
  'a number': [3, respondRaw(int(7))],
  nil: [3, respondRaw(Buffer.from([0xc0]))],
  'a key that is no text': [3, respondRaw(Buffer.concat([mapHeader(1), int(1), int(1)]))],
  'a status that is a float': [3, respondRaw(map([['status', Buffer.from('cb4069000000000000', 'hex')]]))],
  'an id that is text': [3, respondRaw(map([['id', str('1')]]))],
  'headers that are an array': [3, respondRaw(map([['headers', array([str('a')])]]))],
  'a struct as an array of too few fields': [3, respondRaw(array([int(1), int(200)]))],
  'a route without a method': [4, register(route('', '/x'))],
  'a route with a blank in its method': [4, register(route('GE T', '/x'))],
  'a route with CR LF in its method': [4, register(route('GET\r\nX', '/x'))],
  'a route without a slash': [4, register(route('GET', 'x'))],
  'a route with a blank in it': [4, register(route('GET', '/a b'))],
  'a route with a question mark': [4, register(route('GET', '/a?b'))],
  'a route that is no map': [3, register(str('GET /'))],
  'a capability that was not declared': [
    99,
    text('(call $note (call $fs_read (i32.const 0) (i32.const 0) (i32.const -1) (i32.const -1)))'),
  ],
};

suite('what a guest gives to the host', () => {
  const scope = suiteScope();
  let pulp: PulpProcess;
  const names = Object.keys(refused);

  before(async () => {
    const calls = names.map((name, index): [string, Action] => [
      `GET /call/${index}/`,
      refused[name]?.[1] ?? text(''),
    ]);
    pulp = await startGuest(scope, {
      imports: fsRead,
      routes: {
        ...Object.fromEntries(calls),
        'GET /truncated': truncated(whole),
        'GET /register-late': register(route(' get ', '/late/:x')),
        'GET /late/:x': respond({ body: 'late' }),
        'GET /unknown-keys': respondBytes(
          Buffer.concat([mapHeader(5), str('__proto__'), map([['polluted', int(1)]]), str('id')]),
          Buffer.concat([
            str('constructor'),
            Buffer.alloc(10_000, 0x91),
            Buffer.from([0xc0]),
            str('body'),
            bin('first'),
            str('body'),
            bin('last'),
            Buffer.from([0xc1, 0xc1]),
          ]),
        ),
        'GET /as-array': respondBytes(
          Buffer.from([0x94]),
          Buffer.concat([int(201), Buffer.from([0xc0]), str('text')]),
        ),
        'GET /codes': codes(),
      },
    });
  });

  const get = async (path: string): Promise<{ status: number; body: Buffer }> => {
    const response = await fetch(`${pulp.url}${path}`);
    return { status: response.status, body: Buffer.from(await response.arrayBuffer()) };
  };
  const noted = async () => [...(await get('/codes')).body];

  for (const [index, name] of names.entries()) {
    const code = refused[name]?.[0] ?? 0;
    test(`${name} is code ${code}, and costs nothing else`, async () => {
      await noted();
      assert.equal((await get(`/call/${index}/`)).status, 500);
      assert.deepEqual(await noted(), [code]);
    });
  }

  test('a message cut off at any byte is code 3', async () => {
    await noted();
    assert.equal((await get('/truncated')).status, 500);
    // Whole it is code 4: its id is nobody's.
    assert.deepEqual(await noted(), [4]);
  });

  test('unknown keys, deep nesting in them, a key given twice and bytes behind the message do no harm', async () => {
    const { status, body } = await get('/unknown-keys');
    assert.equal(status, 200);
    assert.equal(body.toString(), 'last');
  });

  test('a struct as an array, nil for a map and text for bytes are taken', async () => {
    const { status, body } = await get('/as-array');
    assert.equal(status, 201);
    assert.equal(body.toString(), 'text');
  });

  test('a route registered in a step is there at once, and again the same is code 0', async () => {
    await noted();
    await get('/register-late');
    assert.equal((await get('/late/1')).body.toString(), 'late');
    await get('/register-late');
    assert.deepEqual(await noted(), [0, 0, 0]);
  });
});

suite('routes without end', () => {
  test('are refused beyond the most that a plugin may have, and few of the refusals are logged', async (t) => {
    const pulp = await startGuest(t, { routes: { 'GET /flood': all(registerMany(5000), codes()) } });
    const logged = (msg: string): number => pulp.messages.filter((found) => found === msg).length;
    for (let round = 0; round < 3; round++) {
      const response = await fetch(`${pulp.url}/flood`);
      assert.deepEqual([...new Uint8Array(await response.arrayBuffer())], [4]);
    }
    // What was refused in the steps before is in the log once the host has ended.
    assert.equal((await pulp.stop()).code, 0, pulp.dump());
    assert.equal(logged('http route registered'), maxRoutes);
    assert.ok(logged('http route refused') >= 1);
    assert.ok(logged('http route refused') <= 10, `${logged('http route refused')} refusals are logged`);
  });
});

suite('what a guest makes the engine keep', () => {
  test('has a bound: beyond it the plugin starts again, and the process lives on', async (t) => {
    const pulp = await startGuest(t, {
      fields: heapFiller(768 * 1024 * 1024),
      routes: { 'GET /fill': all(text('(call $fill_heap)'), respond({ body: 'filled' })) },
    });
    const response = await fetch(`${pulp.url}/fill`);
    assert.equal(await response.text(), 'plugin failed\n');
    assert.equal(response.status, 502);
    await pulp.line('plugin restarted', { instance: '2' });
    const crash = await pulp.line('plugin crashed', { plugin: 'guest' });
    assert.match(crash['reason'] ?? '', /ERR_WORKER_OUT_OF_MEMORY/);
    await pulp.alive();
    assert.equal((await pulp.stop()).code, 0, pulp.dump());
  });
});

/** What `pulp_alloc` gives once, that is no place for what was asked. */
const places: Readonly<Record<string, string>> = {
  null: '(i32.const 0)',
  'the last bytes of the memory': '(i32.sub (i32.shl (memory.size) (i32.const 16)) (i32.const 8))',
  'an address behind the memory': '(i32.shl (memory.size) (i32.const 16))',
  'the largest address': '(i32.const -1)',
};

suite('what a guest does with its memory', () => {
  const scope = suiteScope();
  let pulp: PulpProcess;
  const pages = 1000;

  before(async () => {
    const arms = Object.keys(places).map((_, index): [string, Action] => [
      `GET /arm/${index}`,
      all(arm(index + 1), respond({})),
    ]);
    pulp = await startGuest(
      scope,
      {
        alloc: all(
          ...Object.values(places).map((place, index) =>
            whenArmed(all(arm(0), text(`(return ${place})`)), index + 1),
          ),
        ),
        fields: '(func $deep (param i32) (result i32) (i32.add (call $deep (local.get 0)) (i32.const 1)))',
        routes: {
          ...Object.fromEntries(arms),
          'POST /mirror': mirror(),
          'GET /grow': all(
            text('(loop $more (br_if $more (i32.ne (memory.grow (i32.const 1)) (i32.const -1))))'),
            text(`(call $note (i32.eq (memory.size) (i32.const ${pages})))`),
            codes(),
          ),
          'GET /deep': text('(drop (call $deep (i32.const 0)))'),
        },
      },
      // Without ticks the next allocation is the next request's.
      { manifest: `max_memory_pages = ${pages}\ntick_interval_ms = 0` },
    );
  });

  for (const [index, name] of Object.keys(places).entries()) {
    test(`pulp_alloc that gives ${name} costs that step, and the same instance goes on`, async () => {
      assert.equal((await fetch(`${pulp.url}/arm/${index}`)).status, 200);
      assert.equal((await fetch(`${pulp.url}/ok`)).status, 500);
      await pulp.alive();
      assert.equal(pulp.messages.filter((msg) => msg === 'step not made').length, index + 1, pulp.dump());
      assert.ok(!pulp.messages.includes('plugin crashed'), pulp.dump());
    });
  }

  test('memory that grows for what the host brings takes a body of 10 MiB', async () => {
    const body = Buffer.alloc(10 * 1024 * 1024, 'x');
    const response = await fetch(`${pulp.url}/mirror`, { method: 'POST', body });
    assert.ok(mirrored(Buffer.from(await response.arrayBuffer())).body.equals(body));
  });

  test('growth without end stops at max_memory_pages, and the guest goes on', async () => {
    const response = await fetch(`${pulp.url}/grow`);
    const noted = [...Buffer.from(await response.arrayBuffer())];
    assert.equal(noted.at(-1), 1, 'it has not as many pages as it may have');
    await pulp.alive();
  });

  test('recursion without end breaks the instance, and a fresh one takes its place', async () => {
    assert.equal((await fetch(`${pulp.url}/deep`)).status, 502);
    assert.match((await pulp.line('plugin crashed', { plugin: 'guest' }))['reason'] ?? '', /stack/);
    await pulp.line('plugin restarted', { plugin: 'guest' });
    await pulp.alive();
  });
});
