import type { Random } from './random.ts';

/** Changes bytes as accidents and attackers do: flips, cuts, copies, and lengths that lie. */
export function mutate(random: Random, input: Buffer): Buffer {
  let bytes: Buffer = Buffer.from(input);
  for (let left = 1 + random.below(3); left > 0; left--) bytes = once(random, bytes);
  return bytes;
}

function once(random: Random, bytes: Buffer): Buffer {
  const at = random.below(bytes.length + 1);
  const to = Math.min(bytes.length, at + random.length(64));
  switch (random.below(7)) {
    case 0:
      return bytes.subarray(0, at);
    case 1:
      return Buffer.concat([bytes.subarray(0, at), random.bytes(random.length(16)), bytes.subarray(at)]);
    case 2:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(to)]);
    case 3:
      return Buffer.concat([bytes.subarray(0, to), bytes.subarray(at)]);
    case 4:
      bytes.fill(random.pick([0, 0x7f, 0x80, 0xff]), at, to);
      return bytes;
    default:
      if (at < bytes.length)
        bytes[at] = random.oneIn(2) ? random.bits() : (bytes[at] ?? 0) ^ (1 << random.below(8));
      return bytes;
  }
}
