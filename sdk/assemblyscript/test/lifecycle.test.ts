import assert from 'node:assert/strict';
import { before, suite, test } from 'node:test';
import { compile, envelope, Guest } from './harness.ts';

const source = `
import { callNumber, config, failInit, log, onInit, onShutdown, onTick, wallTime } from "pulp-sdk-assemblyscript";

onInit(() => {
  log.info("init");
  if (config.bool("fail")) {
    failInit("the first reason, with an ü");
    failInit("the second reason");
  }
  if (config.bool("throw")) throw new Error("thrown\\non two lines");
  if (config.bool("random")) log.info((Math.random() * 1e9).toString());
});
onInit(() => { console.log("init again"); });
onTick(() => { log.info("tick " + callNumber().toString() + " at " + wallTime().toString()); });
onShutdown(() => {
  log.warn("line\\none\\r\\nline");
  console.error("shutdown");
});
`;

suite('lifecycle', () => {
  let plugin: WebAssembly.Module;
  before(async () => {
    plugin = await compile(source);
  });

  test('exports what the contract asks for and imports nothing it does not use', () => {
    assert.deepEqual(
      WebAssembly.Module.exports(plugin)
        .map(({ name }) => name)
        .toSorted(),
      [
        '_initialize',
        'memory',
        'pulp_alloc',
        'pulp_free',
        'pulp_init',
        'pulp_init_error_len',
        'pulp_init_error_ptr',
        'pulp_shutdown',
        'pulp_step',
      ],
    );
    assert.deepEqual(
      WebAssembly.Module.imports(plugin)
        .map(({ module, name }) => `${module}.${name}`)
        .toSorted(),
      ['wasi_snapshot_preview1.fd_write', 'wasi_snapshot_preview1.random_get'],
    );
  });

  test('runs the hooks of init and shutdown in their order', () => {
    const guest = new Guest(plugin);
    assert.equal(guest.stdout, '');
    assert.equal(guest.init(), 0);
    assert.equal(guest.stdout, 'init\ninit again\n');
    assert.equal(Number(guest.call('pulp_shutdown')), 0);
    assert.match(guest.stderr, /error: shutdown\n$/);
  });

  test('a config of zero bytes is an empty one', () => {
    const guest = new Guest(plugin);
    assert.equal(Number(guest.call('pulp_init', 0, 0)), 0);
    assert.equal(guest.stdout, 'init\ninit again\n');
  });

  test('a step without an event is a tick, with the number and time of its envelope', () => {
    const guest = new Guest(plugin);
    guest.init();
    guest.stdout = '';
    const step = envelope(0xffff_ffff_ffffn, 1_767_323_045_678_000_000n, new Uint8Array(0));
    assert.equal(guest.pass('pulp_step', step), 0);
    assert.equal(guest.stdout, 'tick 281474976710655 at 1767323045678000000\n');
  });

  test('the first reason given to failInit is what the host reads', () => {
    const guest = new Guest(plugin);
    assert.notEqual(guest.init({ fail: true }), 0);
    assert.equal(guest.initError, 'the first reason, with an ü');
  });

  test('a config that is not a map fails init with a reason', () => {
    const guest = new Guest(plugin);
    assert.notEqual(guest.init(1n), 0);
    assert.equal(guest.initError, '[config] is not a msgpack map');
    assert.equal(guest.stdout, '');
  });

  test('a throw says message, file and line in one line on stderr, and traps', () => {
    const guest = new Guest(plugin);
    assert.throws(() => guest.init({ throw: true }), WebAssembly.RuntimeError);
    assert.match(guest.stderr, /^fatal: thrown on two lines at index\.ts:10:\d+\n$/);
  });

  test('a line break in a message does not make a second line', () => {
    const guest = new Guest(plugin);
    guest.init();
    guest.call('pulp_shutdown');
    assert.equal(guest.stderr.split('\n')[0], 'warning: line one  line');
  });

  test('what fd_write takes in parts is written whole', () => {
    const guest = new Guest(plugin, { maxWrite: 3 });
    guest.init();
    assert.equal(guest.stdout, 'init\ninit again\n');
  });

  test('Math.random is seeded by the host', () => {
    const numbers = [1, 2].map(() => {
      const guest = new Guest(plugin);
      guest.init({ random: true });
      return guest.stdout;
    });
    assert.notEqual(numbers[0], numbers[1]);
  });

  test('an envelope that is too short, or says more than it has, is refused with a line', () => {
    const guest = new Guest(plugin);
    guest.init();
    const whole = envelope(0n, 0n, new Uint8Array(8));
    for (const length of [0, 1, 19, 20, 27]) {
      guest.stderr = '';
      const pointer = guest.place(whole);
      assert.notEqual(Number(guest.call('pulp_step', pointer, length)), 0, `length ${length}`);
      assert.equal(guest.stderr, 'error: a step could not be decoded\n');
    }
  });

  test('memory from pulp_alloc is neither moved nor shared until it is freed', () => {
    const guest = new Guest(plugin);
    guest.init();
    const blocks = Array.from({ length: 200 }, (_, i) => guest.place(new Uint8Array(100 + i).fill(i)));
    for (let i = 0; i < 20_000; i++) guest.tick();
    for (const [i, pointer] of blocks.entries()) {
      const bytes = new Uint8Array(guest.memory.buffer, pointer, 100 + i);
      assert(
        bytes.every((byte) => byte === i),
        `block ${i}`,
      );
    }
  });
});
