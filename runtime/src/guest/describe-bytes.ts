/** First bytes of kinds of file that are given instead of a module by mistake. */
const signatures: readonly (readonly [first: readonly number[], what: string])[] = [
  [[0x1f, 0x8b], 'it is gzip data; unpack it first'],
  [[0x28, 0xb5, 0x2f, 0xfd], 'it is Zstandard data; unpack it first'],
  [[0xfd, 0x37, 0x7a, 0x58, 0x5a], 'it is xz data; unpack it first'],
  [[0x50, 0x4b, 0x03, 0x04], 'it is a zip archive; unpack it first'],
  [[0x7f, 0x45, 0x4c, 0x46], 'it is a native ELF program; build it for WebAssembly'],
  [[0x4d, 0x5a], 'it is a native Windows program; build it for WebAssembly'],
  [[0xcf, 0xfa, 0xed, 0xfe], 'it is a native macOS program; build it for WebAssembly'],
  [[0x42, 0x43, 0xc0, 0xde], 'it is LLVM bitcode; link it for WebAssembly'],
  [[0x21, 0x3c, 0x61, 0x72, 0x63, 0x68, 0x3e], 'it is an archive of object files; link it for WebAssembly'],
];

/** What bytes that are not a WebAssembly binary look like, for an error message. */
export function describeBytes(bytes: Uint8Array): string {
  if (bytes.length === 0) return 'the file is empty';
  for (const [first, what] of signatures) {
    if (first.every((byte, index) => bytes[index] === byte)) return what;
  }
  const start = bytes.subarray(0, 256);
  if (start.every((byte) => byte === 0)) return 'it begins with nothing but zeros';
  const text = asText(start);
  if (text === undefined) {
    const shown = [...bytes.subarray(0, 4)].map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
    return `it begins with ${shown} instead of 00 61 73 6d`;
  }
  if (/^\s*(?:;;[^\n]*\n\s*)*\(module\b/.test(text)) {
    return 'it is WebAssembly in text form (WAT); assemble it with wat2wasm';
  }
  if (/^\s*(?:;;[^\n]*\n\s*)*\(component\b/.test(text)) return 'it is a component in text form (WAT)';
  if (text.startsWith('version https://git-lfs.')) return 'it is a Git LFS pointer; run git lfs pull';
  if (/^\s*<(?:!doctype|html|\?xml)/i.test(text))
    return 'it is an HTML or XML page; was the download refused?';
  return 'it is text';
}

/** The bytes as text, if every one of them is printable or a blank. */
function asText(bytes: Uint8Array): string | undefined {
  const text = new TextDecoder('utf-8').decode(bytes, { stream: true });
  return /^[^\p{Cc}\ufffd]*$/u.test(text.replaceAll(/[\t\n\r\f]/g, '')) ? text : undefined;
}
