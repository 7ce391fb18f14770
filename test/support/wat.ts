import wabtInit from 'wabt';

const assembler = wabtInit();

/** WebAssembly text to binary, for test fixtures: what the engine accepts, or an error. */
export async function wat(text: string): Promise<Uint8Array<ArrayBuffer>> {
  const wabt = await assembler;
  const features = { threads: true, memory64: true, tail_call: true, exceptions: true };
  // As bytes, since the assembler takes the length of a string for the length of its UTF-8.
  const module = wabt.parseWat('fixture.wat', new TextEncoder().encode(text), features);
  try {
    module.resolveNames();
    // Copied: the assembler's own memory is used again for the next module.
    const bytes = Uint8Array.from(module.toBinary({}).buffer);
    // The engine's own check: the assembler's refuses shared memories.
    if (!WebAssembly.validate(bytes)) await WebAssembly.compile(bytes);
    return bytes;
  } finally {
    module.destroy();
  }
}
