/**
 * What has to be known of an instruction to step over it: which immediates follow its opcode, and by how much it
 * changes the height of the operand stack. Control, calls and what is behind a prefix are the walker's own business.
 *
 * @see WebAssembly Core Specification 3.0, section 5.4
 */
export interface Instruction {
  readonly immediates: Immediates;
  /** Pushed less popped. */
  readonly height: number;
}

/**
 * The immediates of an instruction: a number of LEB128 integers, an address (alignment and offset), an address and a
 * lane, or as many bytes as the number says.
 */
export type Immediates = 'none' | 'one' | 'two' | 'address' | 'lane-address' | 1 | 4 | 8 | 16;

type Row = readonly [first: number, last: number, height: number, immediates?: Immediates];

/** Opcodes of one byte. */
const plain: readonly Row[] = [
  [0x01, 0x01, 0],
  [0x1a, 0x1a, -1],
  [0x1b, 0x1b, -2],
  [0x20, 0x20, 1, 'one'],
  [0x21, 0x21, -1, 'one'],
  [0x22, 0x22, 0, 'one'],
  [0x23, 0x23, 1, 'one'],
  [0x24, 0x24, -1, 'one'],
  [0x25, 0x25, 0, 'one'],
  [0x26, 0x26, -2, 'one'],
  [0x28, 0x35, 0, 'address'],
  [0x36, 0x3e, -2, 'address'],
  [0x3f, 0x3f, 1, 'one'],
  [0x40, 0x40, 0, 'one'],
  [0x41, 0x42, 1, 'one'],
  [0x43, 0x43, 1, 4],
  [0x44, 0x44, 1, 8],
  [0x45, 0x45, 0],
  [0x46, 0x4f, -1],
  [0x50, 0x50, 0],
  [0x51, 0x66, -1],
  [0x67, 0x69, 0],
  [0x6a, 0x78, -1],
  [0x79, 0x7b, 0],
  [0x7c, 0x8a, -1],
  [0x8b, 0x91, 0],
  [0x92, 0x98, -1],
  [0x99, 0x9f, 0],
  [0xa0, 0xa6, -1],
  [0xa7, 0xc4, 0],
  [0xd0, 0xd0, 1, 'one'],
  [0xd1, 0xd1, 0],
  [0xd2, 0xd2, 1, 'one'],
  [0xd3, 0xd3, -1],
  [0xd4, 0xd4, 0],
];

/** Behind 0xfb: casts and i31. What makes structs and arrays is left out, for no plugin may have their types. */
const references: readonly Row[] = [
  [0x14, 0x17, 0, 'one'],
  [0x1a, 0x1e, 0],
];

/** Behind 0xfc: saturating conversions, bulk memory and tables. */
const bulk: readonly Row[] = [
  [0, 7, 0],
  [8, 8, -3, 'two'],
  [9, 9, 0, 'one'],
  [10, 10, -3, 'two'],
  [11, 11, -3, 'one'],
  [12, 12, -3, 'two'],
  [13, 13, 0, 'one'],
  [14, 14, -3, 'two'],
  [15, 15, -1, 'one'],
  [16, 16, 1, 'one'],
  [17, 17, -3, 'one'],
];

/** Behind 0xfd: SIMD, relaxed SIMD included. A later row counts more than one before it. */
const vector: readonly Row[] = [
  [0, 10, 0, 'address'],
  [11, 11, -2, 'address'],
  [12, 12, 1, 16],
  [13, 13, -1, 16],
  [14, 14, -1],
  [15, 20, 0],
  [21, 22, 0, 1],
  [23, 23, -1, 1],
  [24, 25, 0, 1],
  [26, 26, -1, 1],
  [27, 27, 0, 1],
  [28, 28, -1, 1],
  [29, 29, 0, 1],
  [30, 30, -1, 1],
  [31, 31, 0, 1],
  [32, 32, -1, 1],
  [33, 33, 0, 1],
  [34, 34, -1, 1],
  // Operators of two operands, but for those below.
  [35, 275, -1],
  ...[
    [77, 77],
    [83, 83],
    [94, 100],
    [103, 106],
    [116, 117],
    [122, 122],
    [124, 129],
    [131, 132],
    [135, 138],
    [148, 148],
    [160, 164],
    [167, 170],
    [192, 196],
    [199, 202],
    [224, 227],
    [236, 239],
    [248, 255],
    [257, 260],
  ].map(([first = 0, last = 0]): Row => [first, last, 0]),
  [82, 82, -2],
  [84, 87, -1, 'lane-address'],
  [88, 91, -2, 'lane-address'],
  [92, 93, 0, 'address'],
  [261, 268, -2],
  [275, 275, -2],
];

/** Behind 0xfe: atomics. */
const atomic: readonly Row[] = [
  [0x00, 0x00, -1, 'address'],
  [0x01, 0x02, -2, 'address'],
  [0x03, 0x03, 0, 1],
  [0x10, 0x16, 0, 'address'],
  [0x17, 0x1d, -2, 'address'],
  [0x1e, 0x47, -1, 'address'],
  [0x48, 0x4e, -2, 'address'],
];

function table(rows: readonly Row[]): readonly (Instruction | undefined)[] {
  const entries: (Instruction | undefined)[] = [];
  for (const [first, last, height, immediates = 'none'] of rows) {
    const instruction = { immediates, height };
    for (let opcode = first; opcode <= last; opcode += 1) entries[opcode] = instruction;
  }
  return Array.from(entries);
}

/** Instructions by their opcode, those of one byte and those behind each prefix. */
export const instructions = {
  plain: table(plain),
  0xfb: table(references),
  0xfc: table(bulk),
  0xfd: table(vector),
  0xfe: table(atomic),
} as const;
