/** What a MessagePack value is, whatever width it was written in. `invalid` is the byte `c1`, never used. */
export type Kind =
  | 'nil'
  | 'boolean'
  | 'integer'
  | 'float'
  | 'text'
  | 'binary'
  | 'array'
  | 'map'
  | 'extension'
  | 'invalid';

/** First bytes from `c0` to `df`, two or more to a kind. */
const named: readonly (readonly [last: number, Kind])[] = [
  [0xc0, 'nil'],
  [0xc1, 'invalid'],
  [0xc3, 'boolean'],
  [0xc6, 'binary'],
  [0xc9, 'extension'],
  [0xcb, 'float'],
  [0xd3, 'integer'],
  [0xd8, 'extension'],
  [0xdb, 'text'],
  [0xdd, 'array'],
  [0xdf, 'map'],
];

/** The kind of a value by its first byte. */
export function kindOf(first: number): Kind {
  if (first < 0x80 || first >= 0xe0) return 'integer';
  if (first < 0x90) return 'map';
  if (first < 0xa0) return 'array';
  if (first < 0xc0) return 'text';
  return named.find(([last]) => first <= last)?.[1] ?? 'invalid';
}

/** {@link kindOf} for all 256 first bytes. */
export const kinds: readonly Kind[] = Array.from({ length: 256 }, (_, first) => kindOf(first));
