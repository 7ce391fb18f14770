/** WebAssembly written byte by byte: a thousand small modules a second, which no assembler of text gives. */

const valueTypes = { i32: 0x7f, i64: 0x7e, f64: 0x7c } as const;

export type WasmType = keyof typeof valueTypes;

export interface WasmFunction {
  readonly params: readonly WasmType[];
  readonly results: readonly WasmType[];
}

export interface WasmImport extends WasmFunction {
  readonly module: string;
  readonly name: string;
}

export interface WasmExport extends WasmFunction {
  readonly name: string;
  /** Its instructions, without the end. See {@link op}. */
  readonly body: Uint8Array;
}

export interface WasmModule {
  /** Functions are numbered in the order of the imports, then of the exports. */
  readonly imports: readonly WasmImport[];
  readonly exports: readonly WasmExport[];
  /** In pages of 64 KiB. It is exported as `memory`. */
  readonly memory: { readonly min: number; readonly max: number };
  readonly data: { readonly at: number; readonly bytes: Uint8Array };
}

/** Instructions. */
export const op = {
  i32: (value: number): Buffer => Buffer.from([0x41, ...signed(BigInt(value | 0))]),
  i64: (value: bigint): Buffer => Buffer.from([0x42, ...signed(BigInt.asIntN(64, value))]),
  f64: (value: number): Buffer => {
    const bytes = Buffer.alloc(9);
    bytes.writeUInt8(0x44);
    bytes.writeDoubleLE(value, 1);
    return bytes;
  },
  call: (index: number): Buffer => Buffer.from([0x10, ...unsigned(index)]),
  drop: Buffer.from([0x1a]),
  unreachable: Buffer.from([0x00]),
  memoryGrow: Buffer.from([0x40, 0x00]),
} as const;

/** The bytes of a module. */
export function wasmModule({ imports, exports, memory, data }: WasmModule): Uint8Array<ArrayBuffer> {
  const all = [...imports, ...exports];
  const types = all.map(({ params, results }) =>
    Buffer.from([0x60, ...typeList(params), ...typeList(results)]),
  );
  const sections = [
    section(1, vector(types)),
    section(
      2,
      vector(
        imports.map(({ module, name }, index) =>
          Buffer.concat([text(module), text(name), Buffer.from([0, ...unsigned(index)])]),
        ),
      ),
    ),
    section(3, vector(exports.map((_, index) => Buffer.from(unsigned(imports.length + index))))),
    section(5, Buffer.from([1, 1, ...unsigned(memory.min), ...unsigned(memory.max)])),
    section(
      7,
      vector([
        Buffer.concat([text('memory'), Buffer.from([2, 0])]),
        ...exports.map(({ name }, index) =>
          Buffer.concat([text(name), Buffer.from([0, ...unsigned(imports.length + index)])]),
        ),
      ]),
    ),
    section(
      10,
      vector(
        exports.map(({ body }) => {
          const code = Buffer.concat([Buffer.from([0]), body, Buffer.from([0x0b])]);
          return Buffer.concat([Buffer.from(unsigned(code.length)), code]);
        }),
      ),
    ),
    section(
      11,
      vector([
        Buffer.concat([
          Buffer.from([0]),
          op.i32(data.at),
          Buffer.from([0x0b, ...unsigned(data.bytes.length)]),
          data.bytes,
        ]),
      ]),
    ),
  ];
  return Uint8Array.from(Buffer.concat([Buffer.from('0061736d01000000', 'hex'), ...sections]));
}

function typeList(types: readonly WasmType[]): number[] {
  return [...unsigned(types.length), ...types.map((type) => valueTypes[type])];
}

function section(id: number, content: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from([id, ...unsigned(content.length)]), content]);
}

function vector(items: readonly Uint8Array[]): Buffer {
  return Buffer.concat([Buffer.from(unsigned(items.length)), ...items]);
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([Buffer.from(unsigned(bytes.length)), bytes]);
}

/** LEB128. */
function unsigned(value: number): number[] {
  const bytes: number[] = [];
  let left = value;
  do {
    const low = left % 128;
    left = Math.floor(left / 128);
    bytes.push(left > 0 ? low | 0x80 : low);
  } while (left > 0);
  return bytes;
}

function signed(value: bigint): number[] {
  const bytes: number[] = [];
  for (let left = value; ; left >>= 7n) {
    const low = Number(left & 0x7fn);
    const last = left >= -64n && left < 64n;
    bytes.push(last ? low : low | 0x80);
    if (last) return bytes;
  }
}
