import { isUtf8 } from 'node:buffer';
import { Code, encode, Failure, field, type GuestContext, type GuestEnd, struct } from 'pulp-runtime/ext';
import { redisAddress } from './address.ts';
import { type Command, Commands, RedisFailure, type Reply } from './commands.ts';
import type { imports } from './index.ts';
import { prefixOf, type RedisOptions } from './options.ts';
import { Effect, Request } from './wire.ts';

/** Bytes of a key or of a channel's name, without its prefix. */
export const maxNameBytes = 1024;
/** Keys that one `redis_del` may name. */
export const maxKeys = 100;
/** Longest time to live, in milliseconds: ten years. */
const maxTtlMs = 10 * 365 * 24 * 60 * 60 * 1000;

const setRequest = struct(
  { key: field.bytes(), value: field.bytes(), ttl_ms: field.int(), if: field.text() },
  { name: 'RedisSet' },
);
const delRequest = struct({ keys: field.texts() }, { name: 'RedisDel' });
const incrRequest = struct({ key: field.bytes(), by: field.int(1) }, { name: 'RedisIncr' });
const expireRequest = struct({ key: field.bytes(), ttl_ms: field.int() }, { name: 'RedisExpire' });
const publishRequest = struct({ channel: field.bytes(), payload: field.bytes() }, { name: 'RedisPublish' });

/** What `if` of a set may be, and how Redis calls it. */
const conditions: ReadonlyMap<string, readonly string[]> = new Map([
  ['', []],
  ['absent', ['NX']],
  ['present', ['XX']],
]);

/** The guest end: runs commands over a connection of the plugin's own. */
export function guest(context: GuestContext<RedisOptions>): GuestEnd<typeof imports> {
  const { options, plugin, scope } = context;
  const commands = new Commands({
    url: redisAddress(process.env),
    timeoutMs: options.timeout_ms,
    maxPending: options.max_pending,
    ref: () => context.ref(),
  });
  scope.use(commands);
  const prefix = prefixOf(plugin.name, options);

  const named = (name: Uint8Array): Buffer => {
    if (name.length === 0) throw new Failure(Code.empty, 'a key or channel is empty');
    if (name.length > maxNameBytes) {
      throw new Failure(Code.refused, `a name of ${name.length} bytes; at most ${maxNameBytes} are possible`);
    }
    return Buffer.concat([prefix, name]);
  };
  /** The name of a channel that is subscribed to: the client takes them as text only. */
  const text = (channel: Uint8Array): Uint8Array => {
    named(channel);
    if (!isUtf8(channel)) throw new Failure(Code.decode, 'the name of the channel is not UTF-8');
    return Uint8Array.from(channel);
  };
  const bounded = (value: Uint8Array): Buffer => {
    if (value.length <= options.max_value_bytes) return Buffer.from(value);
    throw new Failure(
      Code.refused,
      `${value.length} bytes are more than max_value_bytes of [redis], ${options.max_value_bytes}`,
    );
  };
  const run = async (...list: readonly Command[]): Promise<readonly Reply[]> => {
    try {
      return await commands.send(...list);
    } catch (error) {
      if (!(error instanceof RedisFailure)) throw error;
      throw new Failure(error.refused ? Code.refused : Code.failed, `Redis: ${error.message}`, {
        cause: error,
      });
    }
  };

  return {
    functions: {
      async redis_get(key) {
        // Never more than may be given: a whole value may be 512 MiB.
        const name = named(key);
        const range = ['GETRANGE', name, '0', String(options.max_value_bytes)];
        const [value] = await run(range);
        const bytes = bytesOf(value);
        if (bytes.length > 0) return bounded(bytes);
        // Empty, or not there: what Redis says of both at one moment tells which.
        const replies = await run(['MULTI'], range, ['EXISTS', name], ['EXEC']);
        const [empty, exists] = listOf(replies.at(-1));
        if (exists === '0') throw new Failure(Code.notFound, 'there is no such key');
        return bounded(bytesOf(empty));
      },

      async redis_set(message) {
        const request = setRequest(message);
        const condition = conditions.get(request.if);
        if (condition === undefined)
          throw new Failure(Code.refused, '`if` is neither "absent" nor "present"');
        const expiry = request.ttl_ms === 0 ? [] : ['PX', String(checkedTtl(request.ttl_ms))];
        const [reply] = await run([
          'SET',
          named(request.key),
          bounded(request.value),
          ...expiry,
          ...condition,
        ]);
        if (reply === null) throw new Failure(Code.notFound, `the key is not ${request.if}`);
      },

      async redis_del(message) {
        const { keys } = delRequest(message);
        if (keys.length === 0) throw new Failure(Code.empty, 'no key');
        if (keys.length > maxKeys) throw new Failure(Code.refused, `${keys.length} keys; at most ${maxKeys}`);
        const [count] = await run(['DEL', ...keys.map((key) => named(Buffer.from(key, 'latin1')))]);
        return integer(count);
      },

      async redis_incr(message) {
        const { key, by } = incrRequest(message);
        if (!Number.isSafeInteger(by)) throw new Failure(Code.refused, '`by` is too large');
        const [value] = await run(['INCRBY', named(key), String(by)]);
        return integer(value);
      },

      async redis_expire(message) {
        const { key, ttl_ms: ttl } = expireRequest(message);
        const name = named(key);
        // Without a time to live there is nothing to take away, and the key may be there all the same.
        const [changed, exists] =
          ttl === 0
            ? await run(['PERSIST', name], ['EXISTS', name])
            : await run(['PEXPIRE', name, String(checkedTtl(ttl))]);
        if (changed === '0' && (exists ?? '0') === '0')
          throw new Failure(Code.notFound, 'there is no such key');
      },

      async redis_publish(message) {
        const { channel, payload } = publishRequest(message);
        const [receivers] = await run(['PUBLISH', named(channel), bounded(payload)]);
        return integer(receivers);
      },

      async redis_subscribe(channel) {
        const claim = text(channel);
        const code = context.ask(Effect.claim, claim);
        if (code !== 0)
          throw new Failure(code, 'the plugin has as many channels as max_channels of [redis] allows');
        const reason = await context.request(Request.subscribed, claim);
        if (reason.length === 0) return;
        context.send(Effect.release, claim);
        throw new Failure(Code.failed, `Redis: ${Buffer.from(reason).toString()}`);
      },

      redis_unsubscribe(channel) {
        context.send(Effect.release, text(channel));
      },
    },
  };
}

function checkedTtl(ms: number): number {
  if (ms >= 1 && ms <= maxTtlMs) return ms;
  throw new Failure(Code.refused, `a ttl_ms of ${ms}; it has to be from 1 to ${maxTtlMs}`);
}

/** A reply that is not what its command gives. */
function unexpected(): Failure {
  return new Failure(Code.failed, 'Redis gave an answer of another kind');
}

function bytesOf(reply: Reply | undefined): Buffer {
  if (!Buffer.isBuffer(reply)) throw unexpected();
  return reply;
}

function listOf(reply: Reply | undefined): readonly Reply[] {
  if (!Array.isArray(reply)) throw unexpected();
  return reply;
}

/** An integer reply as a message. */
function integer(reply: Reply | undefined): Uint8Array {
  if (typeof reply !== 'string' || !/^-?\d{1,19}$/.test(reply)) throw unexpected();
  const value = BigInt(reply);
  if (BigInt.asIntN(64, value) !== value) throw unexpected();
  return encode(value, { integers: 'int64' });
}
