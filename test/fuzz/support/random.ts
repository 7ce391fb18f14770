/** Numbers by chance that are the same for the same seed, on every machine. */
export class Random {
  #state: number;

  /** @param seed Any 32 bits. */
  constructor(seed: number) {
    this.#state = seed | 0;
  }

  /** A source of its own for each name and number: what one draws does not change what another gives. */
  static derive(seed: number, name: string, number: number): Random {
    let state = seed | 0;
    for (const letter of name) state = mix(state ^ (letter.codePointAt(0) ?? 0));
    return new Random(mix(state ^ number));
  }

  /** 32 bits: from 0 to 2^32 − 1. */
  bits(): number {
    this.#state = (this.#state + 0x9e3779b9) | 0;
    return mix(this.#state) >>> 0;
  }

  /** A whole number from 0 and below `end`. */
  below(end: number): number {
    return Math.floor((this.bits() / 0x1_0000_0000) * end);
  }

  /** True once in so many times. */
  oneIn(times: number): boolean {
    return this.below(times) === 0;
  }

  pick<T>(items: readonly T[]): T {
    const item = items[this.below(items.length)];
    // An empty list is a fault of the caller's; a list may well hold undefined.
    if (item === undefined && items.length === 0) throw new Error('there is nothing to pick from');
    return item as T;
  }

  bytes(length: number): Buffer {
    const bytes = Buffer.alloc(length);
    for (let at = 0; at < length; at++) bytes[at] = this.bits();
    return bytes;
  }

  /** A length that is short most of the time. */
  length(most: number): number {
    return this.below(this.oneIn(8) ? most + 1 : Math.min(most, 12) + 1);
  }

  /** A number that is at the edge of something, or near it. */
  edge(): number {
    const at = this.pick([0, 1, 31, 32, 255, 256, 4095, 65_535, 65_536, 2 ** 31, 2 ** 32]);
    return (at + this.below(5) - 2) >>> 0;
  }
}

/** The finalizer of MurmurHash3: each bit of the result depends on each bit of the number. */
function mix(number: number): number {
  let bits = number;
  bits = Math.imul(bits ^ (bits >>> 16), 0x85eb_ca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2_ae35);
  return bits ^ (bits >>> 16);
}
