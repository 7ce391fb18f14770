/** What the process of a {@link FaultHost} is asked for. `plugin` is a name. */
export type Order = { readonly number: number } & (
  | { readonly what: 'status' }
  | { readonly what: 'stop' }
  | { readonly what: 'reload' | 'restart' | 'start'; readonly plugin: string }
  /** Sets the wall clock of the host's thread that far from the real one, in milliseconds. */
  | { readonly what: 'jump'; readonly ms: number }
);

/** An order without its number. */
export type Wish = Order extends infer O ? (O extends Order ? Omit<O, 'number'> : never) : never;

/** What came of the order with that number; 0 is the start, whose value is the URL. */
export interface Reply {
  readonly number: number;
  readonly value?: unknown;
  readonly error?: string;
}
