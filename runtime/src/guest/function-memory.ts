import { compileCost as cost } from './compile-cost.ts';
import type { Immediates, Instruction } from './instructions.ts';
import { instructions } from './instructions.ts';

/** How many values a function or a block takes and gives. */
export interface Arity {
  readonly params: number;
  readonly results: number;
}

/** What the instructions of a module refer to. All of it comes from the module's own sections, unchecked. */
export interface Surroundings {
  /** By type index; `undefined` for types that are not functions. */
  readonly types: readonly (Arity | undefined)[];
  /** By function index, imports first. */
  readonly functions: readonly (Arity | undefined)[];
  /** By tag index, imports first. */
  readonly tags: readonly (Arity | undefined)[];
}

/** A function's instructions and what they begin with. */
export interface FunctionBody {
  readonly bytes: Uint8Array;
  /** Locals, parameters included. */
  readonly locals: number;
  /** Those of them that are references. */
  readonly references: number;
}

/** What compiling a function takes. */
export interface FunctionMemory {
  /** Bytes of memory, about, and rather too many than too few. */
  readonly bytes: number;
  /** Blocks, loops, branches and the like. */
  readonly places: number;
  /** Blocks within one another, at most. */
  readonly depth: number;
  /** Operands on the stack, at most. */
  readonly height: number;
}

/** An instruction that is not known here. */
export class UnknownInstruction extends Error {}

/**
 * Adds up what compiling a function makes the engine remember, in one walk over its instructions. At each place where
 * paths part or meet, the compilers copy the state of all locals and operands, and none of that is freed before the
 * function is done: 97 KiB of nested `if` under 50,000 locals take 14.5 GB. The engine's own limits (50,000 locals
 * and 7,654,321 bytes a function) do not stop it.
 *
 * The count of operands is exact in valid code; where code cannot be reached it may be short by what one instruction
 * gives. Code that is not valid gives any figure.
 *
 * @throws {UnknownInstruction} it can be followed no further
 */
export function functionMemory(body: FunctionBody, surroundings: Surroundings): FunctionMemory {
  return new Walker(body, surroundings).walk();
}

/** A block that is open. */
interface Block {
  /** Operands below it. */
  readonly base: number;
  readonly arity: Arity;
  /** What is thrown in it is caught in this function: 1 or 0. */
  readonly catches: 0 | 1;
  /** How often a local had been set before it. */
  readonly sets: number;
}

const nothing: Arity = { params: 0, results: 0 };
const oneResult: Arity = { params: 0, results: 1 };

class Walker {
  readonly #bytes: Uint8Array;
  readonly #surroundings: Surroundings;
  readonly #locals: number;
  readonly #references: number;
  readonly #blocks: Block[] = [];
  #at = 0;
  /** Operands on the stack, and those below the innermost block. */
  #height = 0;
  #base = 0;
  /** Open blocks that catch. */
  #catching = 0;
  #sets = 0;
  #calls = 0;
  #places = 0;
  #memory = 0;
  #mostHeight = 0;
  #mostDepth = 0;

  constructor({ bytes, locals, references }: FunctionBody, surroundings: Surroundings) {
    this.#bytes = bytes;
    this.#locals = locals;
    this.#references = references;
    this.#surroundings = surroundings;
    this.#enter(nothing, 0);
  }

  walk(): FunctionMemory {
    while (this.#at < this.#bytes.length && this.#blocks.length > 0) this.#step(this.#byte());
    const bytes =
      this.#memory +
      this.#bytes.length * cost.byte +
      this.#mostHeight * cost.operand +
      this.#calls * (cost.call + (this.#references + this.#mostHeight) * cost.reference);
    // The body itself is no block.
    return { bytes, places: this.#places, depth: this.#mostDepth - 1, height: this.#mostHeight };
  }

  #step(opcode: number): void {
    if (opcode === 0x21 || opcode === 0x22) this.#sets += 1;
    const instruction = instructions.plain[opcode];
    if (instruction === undefined) this.#control(opcode);
    else this.#plain(instruction);
  }

  #plain({ immediates, height }: Instruction): void {
    if (immediates === 'one') this.#leb();
    else if (immediates !== 'none') this.#skip(immediates);
    if (height > 0) this.#push(height);
    else this.#pop(-height);
  }

  #control(opcode: number): void {
    switch (opcode) {
      case 0x02: // block
        return this.#open(this.#blockType());
      case 0x03: // loop
        this.#memory += cost.loop - cost.place;
        this.#place();
        return this.#open(this.#blockType());
      case 0x04: // if
        this.#pop(1);
        this.#place();
        return this.#open(this.#blockType());
      case 0x05: // else
        return this.#restart(this.#blocks.at(-1)?.arity.params ?? 0);
      case 0x06: // try
        return this.#open(this.#blockType(), 1);
      case 0x07: // catch
        this.#merge();
        return this.#restart(this.#surroundings.tags[this.#unsigned()]?.params ?? 0);
      case 0x19: // catch_all
        this.#merge();
        return this.#restart(0);
      case 0x1f:
        return this.#tryTable();
      case 0x18: // delegate
        this.#leb();
        return this.#close();
      case 0x0b:
        return this.#close();
      case 0x0c: // br
        this.#leb();
        this.#place();
        return this.#dead();
      case 0x0d: // br_if
      case 0xd6: // br_on_non_null
        this.#pop(1);
        this.#leb();
        return this.#place();
      case 0xd5: // br_on_null
        this.#leb();
        return this.#place();
      case 0x0e:
        return this.#branchTable();
      case 0x1c: // select with types
        for (let types = this.#unsigned(); types > 0 && this.#at < this.#bytes.length; types -= 1) {
          this.#valueType();
        }
        return this.#pop(2);
      case 0xfb:
      case 0xfc:
      case 0xfd:
      case 0xfe:
        return this.#prefixed(opcode);
      default:
        return this.#leave(opcode);
    }
  }

  /** Calls, and what ends a path. */
  #leave(opcode: number): void {
    switch (opcode) {
      case 0x00: // unreachable
      case 0x0f: // return
        return this.#dead();
      case 0x08: // throw
      case 0x09: // rethrow
        this.#leb();
        this.#call();
        return this.#dead();
      case 0x0a: // throw_ref
        this.#call();
        return this.#dead();
      case 0x10: // call
        return this.#call(this.#surroundings.functions[this.#unsigned()]);
      case 0x11: // call_indirect
      case 0x14: {
        // call_ref
        const arity = this.#surroundings.types[this.#unsigned()];
        if (opcode === 0x11) this.#leb();
        this.#pop(1);
        return this.#call(arity);
      }
      case 0x12: // return_call
      case 0x13: // return_call_indirect
      case 0x15: // return_call_ref
        this.#leb();
        if (opcode === 0x13) this.#leb();
        this.#call();
        return this.#dead();
      default:
        throw new UnknownInstruction(hex(opcode));
    }
  }

  #prefixed(prefix: 0xfb | 0xfc | 0xfd | 0xfe): void {
    const opcode = this.#unsigned();
    if (prefix === 0xfb && (opcode === 0x18 || opcode === 0x19)) {
      // br_on_cast and br_on_cast_fail: flags, a label and two heap types
      this.#at += 1;
      for (let immediate = 0; immediate < 3; immediate += 1) this.#leb();
      return this.#place();
    }
    const instruction = instructions[prefix][opcode];
    if (instruction === undefined) throw new UnknownInstruction(`${hex(prefix)} ${hex(opcode)}`);
    // Operations on tables and whole stretches of memory are calls into the engine.
    if (prefix === 0xfc && opcode >= 8) this.#calls += 1;
    this.#plain(instruction);
  }

  #branchTable(): void {
    this.#pop(1);
    const targets = this.#unsigned() + 1;
    for (let target = 0; target < targets && this.#at < this.#bytes.length; target += 1) this.#leb();
    this.#place();
    this.#memory += targets * (cost.tableTarget + cost.copy * (this.#locals + this.#height));
    this.#dead();
  }

  #tryTable(): void {
    const arity = this.#blockType();
    const clauses = this.#unsigned();
    for (let clause = 0; clause < clauses && this.#at < this.#bytes.length; clause += 1) {
      if (this.#byte() < 2) this.#leb(); // the tag, which catch_all does not have
      this.#leb();
      this.#place();
    }
    this.#open(arity, 1);
  }

  #call(arity: Arity = nothing): void {
    this.#calls += 1;
    if (this.#catching > 0) this.#memory += cost.copy * (this.#locals + this.#height);
    this.#pop(arity.params);
    this.#push(arity.results);
  }

  #open(arity: Arity, catches: 0 | 1 = 0): void {
    this.#place();
    this.#pop(arity.params);
    this.#enter(arity, catches);
    this.#push(arity.params);
  }

  #enter(arity: Arity, catches: 0 | 1): void {
    this.#blocks.push({ base: this.#height, arity, catches, sets: this.#sets });
    this.#base = this.#height;
    this.#catching += catches;
    this.#mostDepth = Math.max(this.#mostDepth, this.#blocks.length);
  }

  #close(): void {
    this.#merge();
    const closed = this.#blocks.pop();
    this.#height = closed?.base ?? 0;
    this.#catching -= closed?.catches ?? 0;
    this.#base = this.#blocks.at(-1)?.base ?? 0;
    this.#push(closed?.arity.results ?? 0);
  }

  /** Paths meet that may have set locals differently. */
  #merge(): void {
    const block = this.#blocks.at(-1);
    if (block === undefined) return;
    const changes = Math.min(this.#sets - block.sets, this.#locals) + block.arity.results;
    this.#memory += cost.change * changes;
  }

  /** Paths part or meet. */
  #place(): void {
    this.#places += 1;
    this.#memory += cost.place + cost.copy * (this.#locals + this.#height);
  }

  /** The next path through the innermost block begins, with this many operands. */
  #restart(operands: number): void {
    this.#place();
    this.#dead();
    this.#push(operands);
  }

  /** What follows cannot be reached. */
  #dead(): void {
    this.#height = this.#base;
  }

  #push(count: number): void {
    this.#height += count;
    if (this.#height > this.#mostHeight) this.#mostHeight = this.#height;
  }

  #pop(count: number): void {
    this.#height = Math.max(this.#height - count, this.#base);
  }

  #blockType(): Arity {
    const byte = this.#bytes[this.#at] ?? 0;
    // One byte from 0x40 on is negative: a value type, or none. Everything else is the index of a type.
    if (byte < 0x40 || byte >= 0x80) return this.#surroundings.types[this.#unsigned()] ?? nothing;
    this.#valueType();
    return byte === 0x40 ? nothing : oneResult;
  }

  #valueType(): void {
    const byte = this.#byte();
    if (byte === 0x63 || byte === 0x64) this.#leb();
  }

  #skip(immediates: Exclude<Immediates, 'none' | 'one'>): void {
    if (typeof immediates === 'number') {
      this.#at += immediates;
    } else if (immediates === 'two') {
      this.#leb();
      this.#leb();
    } else {
      this.#address();
      if (immediates === 'lane-address') this.#at += 1;
    }
  }

  #address(): void {
    // Bit 6 of the alignment says that the index of a memory follows.
    if ((this.#unsigned() & 0x40) !== 0) this.#leb();
    this.#leb();
  }

  #byte(): number {
    const byte = this.#bytes[this.#at] ?? 0;
    this.#at += 1;
    return byte;
  }

  /** Steps over an integer. */
  #leb(): void {
    while ((this.#bytes[this.#at] ?? 0) >= 0x80) this.#at += 1;
    this.#at += 1;
  }

  #unsigned(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.#byte();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) break;
    }
    return value;
  }
}

function hex(opcode: number): string {
  return `0x${opcode.toString(16).padStart(2, '0')}`;
}
