import { Buffer } from 'node:buffer';
import { promisify } from 'node:util';
import zlib from 'node:zlib';
import { Code } from '../../abi/codes.ts';
import { Failure } from '../../ext.ts';

/** The codings that are asked for, as `Accept-Encoding` names them. */
export const acceptedCodings = 'gzip, deflate, br, zstd';

/** Codings that one body may have, one over the other. */
export const maxCodings = 4;

/**
 * Bytes of a zstd window, as a power of two: RFC 9659 has it at 8 MiB for HTTP. A frame may ask for far more, and
 * the decoder would allocate it.
 */
const zstdWindowLog = 23;

type Decoder = (body: Buffer, limit: number) => Promise<Buffer>;

const gunzip = promisify(zlib.gunzip);
const inflate = promisify(zlib.inflate);
const inflateRaw = promisify(zlib.inflateRaw);
const brotliDecompress = promisify(zlib.brotliDecompress);
const zstdDecompress = promisify(zlib.zstdDecompress);

const decoders: ReadonlyMap<string, Decoder> = new Map<string, Decoder>([
  ['gzip', (body, maxOutputLength) => gunzip(body, { maxOutputLength })],
  ['x-gzip', (body, maxOutputLength) => gunzip(body, { maxOutputLength })],
  // Servers send either what the name means (RFC 1950) or the bare stream.
  [
    'deflate',
    (body, maxOutputLength) => (hasZlibHeader(body) ? inflate : inflateRaw)(body, { maxOutputLength }),
  ],
  ['br', (body, maxOutputLength) => brotliDecompress(body, { maxOutputLength })],
  [
    'zstd',
    (body, maxOutputLength) =>
      zstdDecompress(body, {
        maxOutputLength,
        params: { [zlib.constants.ZSTD_d_windowLogMax]: zstdWindowLog },
      }),
  ],
]);

/**
 * The codings of a body in the order in which they are to be undone; none for a body that is as it is, also when
 * one of them is not known, since then nothing can be undone.
 *
 * Throws a {@link Failure} with code 4 when there are more than {@link maxCodings}.
 */
export function codingsOf(contentEncoding: string): readonly string[] {
  const codings = contentEncoding
    .split(',', maxCodings * 8)
    .map((coding) => coding.trim().toLowerCase())
    .filter((coding) => coding !== '' && coding !== 'identity');
  if (!codings.every((coding) => decoders.has(coding))) return [];
  if (codings.length > maxCodings) {
    throw new Failure(Code.refused, `a body with more than ${maxCodings} codings, one over the other`);
  }
  return codings.toReversed();
}

/**
 * Undoes codings in the order of {@link codingsOf}. It stops when a step comes to more than `limit` bytes, so a
 * bomb costs no more than that. A body of no bytes at all has no codings.
 *
 * Rejects with a {@link Failure} with code 4 for a body that is too large, corrupt or cut short.
 */
export async function decodeBody(
  body: Buffer,
  { codings, limit }: { readonly codings: readonly string[]; readonly limit: number },
): Promise<Buffer> {
  let decoded = body;
  for (const coding of codings) {
    const decoder = decoders.get(coding);
    if (decoder === undefined || decoded.length === 0) return decoded;
    try {
      decoded = await decoder(decoded, limit);
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
      const reason =
        code === 'ERR_BUFFER_TOO_LARGE'
          ? `the body is over ${limit} bytes once decoded`
          : `the body is no whole ${coding} (${code})`;
      throw new Failure(Code.refused, reason, { cause: error });
    }
  }
  return decoded;
}

/** RFC 1950 section 2.2: method 8, and a check that makes the two bytes a multiple of 31. */
function hasZlibHeader(body: Buffer): boolean {
  const [first = 0, second = 0] = body;
  return (first & 0x0f) === 8 && ((first << 8) | second) % 31 === 0;
}
