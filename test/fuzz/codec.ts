import { writeEnvelope } from '../../runtime/src/abi/envelope.ts';
import { Reader } from '../../runtime/src/abi/msgpack/reader.ts';
import { decode, encode, type Value } from '../../runtime/src/abi/msgpack/value.ts';
import * as structs from '../../runtime/src/abi/structs.ts';
import { decodeSseSend } from '../../runtime/src/capabilities/sse/guest.ts';
import { Failure } from '../../runtime/src/ext.ts';
import { type Driver, Finding } from './driver.ts';
import { message } from './support/message.ts';
import { Random } from './support/random.ts';
import { shrink } from './support/shrink.ts';

/** A message of a few kilobytes that takes longer, in milliseconds, is not read in one go. */
const boundMs = 2000;

const decoders: Readonly<Record<string, (bytes: Uint8Array) => unknown>> = { ...structs, decodeSseSend };

/** What is wrong with how the host reads these bytes; undefined when all is well. */
export function faultOf(bytes: Uint8Array): string | undefined {
  const begun = performance.now();
  const skipped = outcome(() => new Reader(bytes).skip());
  const decoded = outcome(() => decode(bytes));
  for (const [name, result] of Object.entries({ skip: skipped, decode: decoded })) {
    if (result.fault !== undefined) return `${name}: ${result.fault}`;
  }
  if (skipped.refused && !decoded.refused) return 'what cannot be skipped was decoded';
  if (!decoded.refused) {
    const again = encode(decoded.value as Value);
    const twice = encode(decode(again));
    if (!Buffer.from(again).equals(twice)) return 'what was encoded decodes to something else';
  }
  for (const [name, read] of Object.entries(decoders)) {
    const { fault } = outcome(() => read(bytes));
    if (fault !== undefined) return `${name}: ${fault}`;
  }
  const ms = performance.now() - begun;
  return ms > boundMs ? `it took ${Math.round(ms)} ms` : undefined;
}

interface Read {
  readonly value?: unknown;
  readonly refused: boolean;
  readonly fault?: string;
}

/** Whatever is not a value is a Failure with code 3, with a message that can be shown. */
function outcome(read: () => unknown): Read {
  try {
    return { value: read(), refused: false };
  } catch (error) {
    if (error instanceof Failure && error.code === 3 && error.message.length < 10_000)
      return { refused: true };
    return { refused: true, fault: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}

function checkEnvelope(random: Random): void {
  const view = new DataView(new ArrayBuffer(64));
  const offset = random.below(45);
  const callNumber = random.bits() * random.below(2 ** 21);
  const wallTimeNs = (BigInt(random.bits()) << 32n) | BigInt(random.bits());
  const payloadLength = random.bits();
  writeEnvelope(view, offset, { callNumber, wallTimeNs, payloadLength });
  const same =
    view.getBigUint64(offset, true) === BigInt(callNumber) &&
    view.getBigUint64(offset + 8, true) === wallTimeNs &&
    view.getUint32(offset + 16, true) === payloadLength;
  if (!same)
    throw new Finding(
      'an envelope is not what was written',
      JSON.stringify({ offset, callNumber, payloadLength }),
    );
}

/** The codec: the reader, generic values, and the structs that guests send. */
export function codecDriver(): Driver {
  const blockCases = 1000;
  return {
    name: 'codec',
    blockCases,
    async run(seed, block) {
      const random = Random.derive(seed, 'codec', block);
      for (let left = blockCases; left > 0; left--) {
        if (random.oneIn(50)) checkEnvelope(random);
        const bytes = message(random);
        const fault = faultOf(bytes);
        if (fault === undefined) continue;
        const small = await shrink(bytes, (candidate) => faultOf(candidate) !== undefined);
        throw new Finding(faultOf(small) ?? fault, small.toString('hex'));
      }
    },
    async [Symbol.asyncDispose]() {},
  };
}
