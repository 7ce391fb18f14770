import { emitMessage, sseRegister } from '../../test/support/sse-guest.ts';
import { type Action, respond, type WatGuest } from '../../test/support/wat-guest.ts';

export const streamPath = '/stream';

export interface Emission {
  readonly events: number;
  /** Of one event. */
  readonly dataBytes: number;
}

/** The request that makes a server send so many events, the last of them with a `!` in it. */
export function emitPath({ events, dataBytes }: Emission): string {
  return `/emit/${events}/${dataBytes}`;
}

export interface SseBenchGuestOptions {
  /** The numbers of events that it can be asked for. */
  readonly counts: readonly number[];
  readonly dataBytes: number;
}

/** A guest with one stream that does nothing but send events when it is asked to. */
export function sseBenchGuest({ counts, dataBytes }: SseBenchGuestOptions): WatGuest {
  const event = (first: string): Buffer => emitMessage(streamPath, { data: first.padEnd(dataBytes, 'x') });
  const emit =
    (events: number): Action =>
    (data) =>
      `
      (call $emit ${data.add(event('x'))} (i32.const ${events - 1}))
      (call $emit ${data.add(event('!'))} (i32.const 1))
      ${respond({ body: 'ok' })(data)}`;
  return {
    imports: `
      (import "pulp" "sse_register" (func $sse_register (param i32 i32) (result i32)))
      (import "pulp" "sse_emit" (func $sse_emit (param i32 i32) (result i32)))`,
    init: sseRegister(streamPath),
    routes: Object.fromEntries(
      counts.map((events) => [`GET ${emitPath({ events, dataBytes })}`, emit(events)]),
    ),
    fields: `
      (func $emit (param $at i32) (param $length i32) (param $times i32)
        (block $over (loop $next
          (br_if $over (i32.eqz (local.get $times)))
          (if (call $sse_emit (local.get $at) (local.get $length)) (then (unreachable)))
          (local.set $times (i32.sub (local.get $times) (i32.const 1)))
          (br $next))))`,
  };
}
