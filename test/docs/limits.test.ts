import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { Registry } from '../../runtime/src/capabilities/registry.ts';
import { maxKeptBytes, maxUntakenBytes } from '../../runtime/src/capabilities/http-inbound/edge.ts';
import { FLAGS, flagName, keysOf, type Flag } from '../../runtime/src/cli/flags.ts';
import { kept } from '../../runtime/src/control/log-history.ts';
import { maxOwedBytes, maxPipelined, maxUnanswered } from '../../runtime/src/edge/connection.ts';
import * as head from '../../runtime/src/edge/head-limits.ts';
import { maxFunctionMemory } from '../../runtime/src/guest/check-code.ts';
import { maxTableElements, maxTables } from '../../runtime/src/guest/limit-memory.ts';
import { engineLimits } from '../../runtime/src/guest/module-types.ts';
import { maxSectionBytes } from '../../runtime/src/guest/sections.ts';
import { maxCrashes, openMs } from '../../runtime/src/host/crash-loop.ts';
import { parseManifest } from '../../runtime/src/manifest/parse-manifest.ts';
import { code, readDocument } from './markdown.ts';
import { constantIn } from './source.ts';

const { declarable } = new Registry();
const page = await readDocument('docs/limits.md');
const rows = page.tables.flatMap((table) => table.rows);

/** Limits that nothing changes: where the source has each of them. */
const fixed: Readonly<Record<string, number>> = {
  'Request line and headers': head.maxHeaderBytes,
  'Connections that each have room for that': head.manyConnections,
  'Request line and headers on further ones': head.maxHeaderBytesOfMany,
  'Header lines on further ones': head.maxHeaderLinesOfMany,
  'Idle connection': constantIn('edge/listener.ts', 'keepAliveMs'),
  "Lines of an answer's header": constantIn('capabilities/http-inbound/wire.ts', 'maxAnswerHeaders'),
  "Bytes of an answer's header": constantIn('capabilities/http-inbound/wire.ts', 'maxAnswerHeaderBytes'),
  'Routes of a plugin': constantIn('capabilities/http-inbound/http-plugin.ts', 'maxRoutes'),
  "Bytes of a route's pattern": constantIn('capabilities/http-inbound/wire.ts', 'maxPatternBytes'),
  "Bytes of a route's method": constantIn('capabilities/http-inbound/wire.ts', 'maxMethodBytes'),
  'Requests of a connection at a time': constantIn('edge/http2-connection.ts', 'maxStreams'),
  'Bytes of a head, 32 more for each line': 2 * head.maxHeaderBytes,
  'Requests that are cancelled at once': constantIn('edge/http2-connection.ts', 'maxResets'),
  'Requests that are cancelled in a second': constantIn('edge/http2-connection.ts', 'resetsPerSecond'),
  'Frames of a connection that are wrong or empty': constantIn(
    'edge/http2-connection.ts',
    'maxInvalidFrames',
  ),
  'Requests of a connection that are refused': constantIn('edge/http2-connection.ts', 'maxRejectedStreams'),
  'Memory of a connection, in MB': constantIn('edge/http2-connection.ts', 'maxSessionMemory'),
  'Bytes of answers that are cancelled on their way': constantIn(
    'edge/http2-connection.ts',
    'maxCancelledBytes',
  ),
  'Time for the module of an extension to load': constantIn(
    'capabilities/import-extension.ts',
    'defaultLoadMs',
  ),
  'Kinds of events of an extension': constantIn('capabilities/check-capability.ts', 'maxEvents'),
  'Bytes of a certificate, or of a key': constantIn('host/certificate.ts', 'maxFileBytes'),
  'Time for a fetch that says its own': constantIn('capabilities/http-outbound/options.ts', 'maxTimeoutMs'),
  "Bytes of a fetch's URL": constantIn('capabilities/http-outbound/target.ts', 'maxUrlBytes'),
  "Bytes of a fetch's headers": constantIn(
    'capabilities/http-outbound/request-headers.ts',
    'maxRequestHeaderBytes',
  ),
  'Header lines of a fetch': constantIn('capabilities/http-outbound/request-headers.ts', 'maxRequestHeaders'),
  "Bytes of a fetched answer's headers": constantIn(
    'capabilities/http-outbound/connection.ts',
    'maxAnswerHeaderBytes',
  ),
  'Codings of a fetched body': constantIn('capabilities/http-outbound/decode-body.ts', 'maxCodings'),
  'Body of a redirect': constantIn('capabilities/http-outbound/exchange.ts', 'maxDrainBytes'),
  'Fetches of a plugin at a time': constantIn('capabilities/http-outbound/guest.ts', 'maxFetches'),
  'Names that are looked up at a time': constantIn('capabilities/http-outbound/guest.ts', 'maxLookups'),
  'Idle connections to servers': constantIn(
    'capabilities/http-outbound/connection-pool.ts',
    'maxIdleConnections',
  ),
  'Time of an idle connection to a server': constantIn(
    'capabilities/http-outbound/connection.ts',
    'keepAliveMs',
  ),
  'Entries of `allowed_hosts`': constantIn('capabilities/http-outbound/allowed-host.ts', 'maxAllowedHosts'),
  'Time between two `fetch refused`': constantIn('capabilities/http-outbound/guest.ts', 'refusalEveryMs'),
  'Bytes of a path': constantIn('capabilities/fs/path.ts', 'maxPathBytes'),
  'Names in a path': constantIn('capabilities/fs/path.ts', 'maxDepth'),
  'Time between two counts of the files': constantIn('capabilities/fs/quota.ts', 'recountMs'),
  'Time between two `storage.fs failing`': constantIn('capabilities/fs/store.ts', 'troubleMs'),
  'Fragments of it, and reads from the socket for one of them': constantIn(
    'capabilities/ws-inbound/intake.ts',
    'manyPieces',
  ),
  'Bytes of messages of all connections that are not complete, or wait for room': constantIn(
    'capabilities/ws-inbound/edge.ts',
    'heldBytes',
  ),
  'Time for a closing handshake': constantIn('capabilities/ws-inbound/ws-plugin.ts', 'closeTimeoutMs'),
  'Bytes of messages that all clients of a plugin leave unread': constantIn(
    'capabilities/ws-inbound/ws-plugin.ts',
    'maxUnreadBytes',
  ),
  'WebSocket paths of a plugin': constantIn('capabilities/ws-inbound/ws-plugin.ts', 'maxPaths'),
  'Bytes of a path that is registered': constantIn('capabilities/ws-inbound/wire.ts', 'maxPathBytes'),
  'Bytes of a reason': constantIn('capabilities/ws-inbound/wire.ts', 'maxReasonBytes'),
  'Entries of `allowed_origins` and of `protocols`, each': constantIn(
    'capabilities/ws-inbound/options.ts',
    'maxEntries',
  ),
  'Time between two lines of the log with counts': constantIn('edge/tally.ts', 'everyMs'),
  "Bytes of a value, and of a row's values together": constantIn(
    'capabilities/sqlite/database.ts',
    'maxValueBytes',
  ),
  'Bytes of a list of parameters': constantIn('capabilities/sqlite/parameters.ts', 'maxParameterBytes'),
  'Parameters of a statement': constantIn('capabilities/sqlite/parameters.ts', 'maxParameters'),
  'Arguments of an SQL function': constantIn('capabilities/sqlite/database.ts', 'maxArguments'),
  "What can be nested, for each MiB of the thread's stack but two": constantIn(
    'capabilities/sqlite/nesting.ts',
    'countPerMib',
  ),
  'Bytes of the page cache that a plugin may ask for': constantIn(
    'capabilities/sqlite/pragmas.ts',
    'maxCacheBytes',
  ),
  'Bytes of the log after its content is in the database': constantIn(
    'capabilities/sqlite/database.ts',
    'keptLogBytes',
  ),
  'Strings of statements that are kept compiled': constantIn(
    'capabilities/sqlite/statement-cache.ts',
    'maxKept',
  ),
  'Bytes of what is kept compiled': constantIn('capabilities/sqlite/statement-cache.ts', 'maxKeptBytes'),
  'Statements of a string that is kept compiled': constantIn(
    'capabilities/sqlite/statement-cache.ts',
    'maxKeptStatements',
  ),
  "Bytes of a call's parameters that stay in compiled statements": constantIn(
    'capabilities/sqlite/connection.ts',
    'keptParameterBytes',
  ),
  'Wait for another process that has the database locked': constantIn(
    'capabilities/sqlite/database.ts',
    'busyTimeoutMs',
  ),
  'Bytes of what `sqlite_error` gives': constantIn('capabilities/sqlite/guest.ts', 'maxErrorBytes'),
  'Bytes of SQL in the log': constantIn('capabilities/sqlite/guest.ts', 'maxShownSql'),
  'Bytes of events that wait for all subscribers of a plugin': constantIn(
    'capabilities/sse/event-stream.ts',
    'maxWaitingBytes',
  ),
  'Bytes of an event as it is written': constantIn('capabilities/sse/wire.ts', 'maxFrameBytes'),
  'Event paths of a plugin': constantIn('capabilities/sse/sse-plugin.ts', 'maxPaths'),
  'Bytes of an event path': constantIn('capabilities/sse/wire.ts', 'maxPathBytes'),
  'Events in the queue that tell of subscribers who left, or were there before': constantIn(
    'capabilities/sse/notices.ts',
    'maxQueued',
  ),
  'Time to take the rest of a stream that has ended': constantIn('capabilities/sse/subscriber.ts', 'endMs'),
  'Time between two lines that count subscribers': constantIn('edge/tally.ts', 'everyMs'),
  'Events of a plugin that are not finished': constantIn('edge/plugin.ts', 'maxEvents'),
  'Bytes of their payloads': constantIn('edge/plugin.ts', 'maxEventBytes'),
  'Bytes of all queues, and of requests whose bodies are being received': constantIn(
    'edge/edge.ts',
    'hostBytes',
  ),
  'Answers over 32 KiB on their way to the edge': constantIn('link/shared-memory.ts', 'maxLargeBytes'),
  'Requests of a plugin that come in the moment before it is restarted': constantIn(
    'capabilities/http-inbound/http-plugin.ts',
    'maxKept',
  ),
  'Bytes of all of them, of all plugins together': maxKeptBytes,
  'Requests of a connection that wait for answers': maxPipelined,
  'Requests of all connections that wait for answers': maxUnanswered,
  'Bytes of large answers that a client leaves untaken': maxOwedBytes,
  'The same of all clients together': maxUntakenBytes,
  'Tables of a module': maxTables,
  'Elements of a table': maxTableElements,
  'Bytes of a section of a module, but for code, data and custom ones': maxSectionBytes,
  'Memory to compile a function, as it is estimated': maxFunctionMemory,
  'Locals of a function': engineLimits.locals,
  "Engine heap of a plugin's thread, in MiB": constantIn('host/plugin-thread.ts', 'threadHeapMb'),
  Module: constantIn('host/load-plugin.ts', 'maxModuleBytes'),
  'Types, functions, imports, exports of a module, each': engineLimits.items,
  'First delay before a restart': constantIn('host/crash-loop.ts', 'firstMs'),
  'Crashes in a row that open the circuit': maxCrashes,
  'Time in which those crashes fall': constantIn('host/crash-loop.ts', 'windowMs'),
  'Time until a failed plugin is tried again': openMs,
  'Time that a replaced instance has for the step that it is in': constantIn('host/instances.ts', 'retireMs'),
  'Time that the memory may be used up': constantIn('host/memory-guard.ts', 'graceMs'),
  'Bytes of one `fd_write`': constantIn('guest/wasi/streams.ts', 'maxWriteBytes'),
  'Subscriptions of one `poll_oneoff`': constantIn('guest/wasi/poll.ts', 'maxSubscriptions'),
  'Text of a failed `pulp_init`': constantIn('guest/guest.ts', 'errorTextBytes'),
  'Entries of a list or map of headers in a message': constantIn('abi/field.ts', 'maxEntries'),
  'Bytes of a text in a message, bodies aside': constantIn('abi/msgpack/reader.ts', 'maxTextBytes'),
  Characters: constantIn('manifest/toml.ts', 'maxManifestLength'),
  'Depth of tables and lists': constantIn('manifest/toml.ts', 'maxNesting'),
  "Bytes of the plugin's name": constantIn('manifest/plugin-name.ts', 'maxNameBytes'),
  'Problems that are shown': constantIn('manifest/manifest-error.ts', 'maxShown'),
  'Characters of a line that a plugin prints': constantIn('guest/output.ts', 'maxLine'),
  'Lines that a plugin prints, in a second': constantIn('guest/output.ts', 'linesPerSecond'),
  'Lines that a plugin prints at once': constantIn('guest/output.ts', 'burst'),
  'Lines `http route refused` of an instance': constantIn(
    'capabilities/http-inbound/http-plugin.ts',
    'maxRefusalsLogged',
  ),
  'Lines `ws route refused` of an instance': constantIn(
    'capabilities/ws-inbound/ws-plugin.ts',
    'maxRefusalsLogged',
  ),
  'Lines `sse route refused` of an instance': constantIn(
    'capabilities/sse/sse-plugin.ts',
    'maxRefusalsLogged',
  ),
  'Bytes that wait for a slow reader': constantIn('log/output.ts', 'maxWaitingBytes'),
  'Time between two `step heartbeat`': constantIn('plugin-thread/instance.ts', 'heartbeatMs'),
  'Least time of `pulp_shutdown`': constantIn('host/shut-down.ts', 'least'),
  'Most time of `pulp_shutdown`': constantIn('host/shut-down.ts', 'most'),
  'Time in which signals count as one': constantIn('cli/signals.ts', 'COPIES_MS'),
  'Connections to the control socket': constantIn('control/server.ts', 'maxConnections'),
  'Of these, readers of `pulp logs -f`': constantIn('control/server.ts', 'maxFollowers'),
  'Bytes of a control request, none has a body': constantIn('control/server.ts', 'maxHeaderBytes'),
  'Time for a control request': constantIn('control/server.ts', 'requestMs'),
  'Time for control answers at the end': constantIn('control/server.ts', 'graceMs'),
  'Bytes of a control answer that `pulp ps` and its like take': constantIn(
    'control/client.ts',
    'maxAnswerBytes',
  ),
  'Times that `pulp backup` finds a database locked, or has to begin anew, without getting any further':
    constantIn('host/storage-database.ts', 'maxStalls'),
  'Bytes of the SQL in `plugin is stuck`': constantIn('plugin-thread/native-calls.ts', 'maxTextBytes'),
  'Lines of the log that are kept for a plugin': kept.maxPluginLines,
  'Bytes of the log that are kept for a plugin': kept.maxPluginBytes,
  'Lines of the log that are kept in all': kept.maxLines,
  'Bytes of the log that are kept in all': kept.maxBytes,
  'Bytes that wait for a reader of `pulp logs -f`': constantIn('control/log-history.ts', 'maxFollowerBytes'),
  'Connections to `-health-port`': constantIn('control/health.ts', 'maxConnections'),
  'Time for a health request, and for its answer': constantIn('control/health.ts', 'timeoutMs'),
};

const units: Readonly<Record<string, number>> = {
  '': 1,
  bytes: 1,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  ms: 1,
  s: 1000,
};

/** A default as it is written, such as `64 KiB`: in bytes, milliseconds or plain. */
function amount(cell: string): number {
  const [, number = '', unit = ''] = /^([\d,]+) ?(\w*)$/.exec(cell) ?? [];
  return Number(number.replaceAll(',', '')) * (units[unit] ?? Number.NaN);
}

function valueOfFlag(dashed: string): unknown {
  const key = keysOf(FLAGS).find((candidate) => `-${flagName(candidate)}` === dashed);
  assert.ok(key !== undefined, `there is no flag ${dashed}`);
  const flag: Flag = FLAGS[key];
  return flag.kind.parse(flag.fallback ?? '');
}

/** The default of `[name.of.a.capability] key`. */
function valueOfOption(place: string): unknown {
  const [, name = '', key = ''] = /^\[([\w.]+)\] (\w+)$/.exec(place) ?? [];
  const schema = declarable.get(name)?.options?.[key];
  assert.ok(schema !== undefined, `there is no option ${place}`);
  const result = schema['~standard'].validate(undefined);
  return 'value' in result ? result.value : undefined;
}

function valueOfKey(key: string): unknown {
  const spec = parseManifest('name = "a"\nversion = "1"\n', {
    file: 'pulp.plugin.toml',
    capabilities: new Map(),
  });
  const property = key.replaceAll(/_(\w)/g, (_match, letter: string) => letter.toUpperCase());
  return new Map(Object.entries(spec)).get(property);
}

suite('docs/limits.md', () => {
  for (const [name = '', fallback = '', place = ''] of rows) {
    test(`${name}: ${fallback} is what the source has`, () => {
      if (place !== 'fixed') {
        const expected = place.startsWith('`-')
          ? valueOfFlag(code(place))
          : place.startsWith('`[')
            ? valueOfOption(code(place))
            : valueOfKey(code(place));
        assert.equal(amount(fallback), expected);
        return;
      }
      assert.ok(name in fixed, 'this test does not know where the source has it');
      assert.equal(amount(fallback), fixed[name]);
    });
  }

  test('no limit of the source is left out', () => {
    const documented = new Set(rows.map(([name]) => name));
    assert.deepEqual(
      Object.keys(fixed).filter((name) => !documented.has(name)),
      [],
    );
  });
});
