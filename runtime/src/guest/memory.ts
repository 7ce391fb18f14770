import { Failure } from '../ext.ts';
import { Code } from '../abi/codes.ts';

/**
 * A guest's linear memory as the host reads and writes it: every range that a guest names is checked, and
 * no view is trusted longer than the guest is at rest (growing the memory detaches them all).
 */
export class GuestMemory {
  readonly memory: WebAssembly.Memory;
  readonly #grown: (bytes: number) => void;
  #bytes: Uint8Array;
  #view: DataView;

  /** @param grown Told how large it is, at first and when it is seen to have grown: when the host looks into it again. */
  constructor(memory: WebAssembly.Memory, grown: (bytes: number) => void = () => undefined) {
    this.memory = memory;
    this.#grown = grown;
    this.#bytes = new Uint8Array(memory.buffer);
    this.#view = new DataView(memory.buffer);
    grown(this.#bytes.length);
  }

  /** All of the memory. Hot: asked for in every call in either direction. */
  get bytes(): Uint8Array {
    if (this.#bytes.byteLength === 0) this.#renew();
    return this.#bytes;
  }

  get view(): DataView {
    if (this.#bytes.byteLength === 0) this.#renew();
    return this.#view;
  }

  /** Whether the range lies in the memory. Both numbers are unsigned. */
  holds(pointer: number, length: number): boolean {
    return pointer + length <= this.bytes.length;
  }

  /** A view of a range that a guest named. Throws code 2 when it is not all in the memory. */
  range(pointer: number, length: number): Uint8Array {
    const bytes = this.bytes;
    if (pointer + length > bytes.length) {
      throw new Failure(
        Code.range,
        `the range ${pointer}+${length} is outside the memory of ${bytes.length} bytes`,
      );
    }
    return bytes.subarray(pointer, pointer + length);
  }

  #renew(): void {
    this.#bytes = new Uint8Array(this.memory.buffer);
    this.#view = new DataView(this.memory.buffer);
    this.#grown(this.#bytes.length);
  }
}
