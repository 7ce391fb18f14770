/**
 * The part of the WebAssembly JavaScript API that the runtime uses, JSPI included.
 *
 * It stands here because the declarations otherwise come with TypeScript's `dom` library, which would let
 * browser globals into server code. Source: WebAssembly JavaScript Interface and JS Promise Integration.
 */
declare namespace WebAssembly {
  type ExportValue = Function | Global | Memory | Table;
  type ImportValue = ExportValue | Suspending;
  type Exports = Readonly<Record<string, ExportValue>>;
  type Imports = Record<string, Record<string, ImportValue>>;

  class Module {
    constructor(bytes: Uint8Array);
    private readonly module: unknown;
  }

  class Instance {
    constructor(module: Module, imports?: Imports);
    readonly exports: Exports;
  }

  class Memory {
    constructor(descriptor: { initial: number; maximum?: number; shared?: boolean });
    readonly buffer: ArrayBuffer;
    grow(pages: number): number;
  }

  class Global {
    constructor(descriptor: { value: string; mutable?: boolean }, value?: number | bigint);
    value: number | bigint;
  }

  class Table {
    constructor(descriptor: { element: string; initial: number; maximum?: number });
    readonly length: number;
  }

  class CompileError extends Error {}
  class LinkError extends Error {}
  class RuntimeError extends Error {}

  /** JSPI: an import whose promise suspends the guest that called it. */
  class Suspending {
    constructor(fn: Function);
    private readonly suspending: unknown;
  }
  /** JSPI: an export that may be suspended, as a function that gives a promise. */
  function promising(fn: Function): (...args: (number | bigint)[]) => Promise<unknown>;

  function compile(bytes: Uint8Array): Promise<Module>;
  function validate(bytes: Uint8Array): boolean;
}
