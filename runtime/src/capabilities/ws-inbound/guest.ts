import { Buffer } from 'node:buffer';
import { Code } from '../../abi/codes.ts';
import { decodeWsClose, decodeWsSend } from '../../abi/structs.ts';
import { Failure, type GuestContext, type GuestEnd } from '../../ext.ts';
import { inlineBytes } from '../../link/link.ts';
import type { WsOptions } from './options.ts';
import { Effect, encodeFarewell, encodePath, latin1, maxPathBytes, maxReasonBytes } from './wire.ts';

/** Kinds of events, as the capability lists them. */
const opened = 0;
const closed = 2;

type Functions = {
  readonly ws_register: { readonly params: readonly ['in'] };
  readonly ws_send: { readonly params: readonly ['in'] };
  readonly ws_close: { readonly params: readonly ['in'] };
};

/**
 * The guest end: checks what the guest says, and knows the connections as this instance has seen them. An id that
 * another plugin or another instance was given is unknown here, so no plugin reaches a connection of another.
 */
export function guest(context: GuestContext<WsOptions>): GuestEnd<Functions> {
  const connections = new Set<number>();
  const known = (id: number): void => {
    if (!connections.has(id)) throw new Failure(Code.refused, `no connection with the id ${id} is open`);
  };
  return {
    functions: {
      ws_register(bytes) {
        if (bytes.length > maxPathBytes) {
          throw new Failure(
            Code.refused,
            `a path of ${bytes.length} bytes; at most ${maxPathBytes} are taken`,
          );
        }
        const path = latin1(bytes);
        if (!path.startsWith('/')) throw new Failure(Code.refused, 'a path begins with /');
        const code = context.ask(Effect.register, encodePath(path));
        if (code !== 0) throw new Failure(code, `the path ${path} was not taken`);
      },
      ws_send(bytes) {
        const { conn_id: id, opcode, payload } = decodeWsSend(bytes);
        known(id);
        if (opcode !== Effect.text && opcode !== Effect.binary) {
          throw new Failure(Code.refused, `opcode ${opcode} is neither 1 (text) nor 2 (binary)`);
        }
        context.send(opcode, payload.length > inlineBytes ? ownBytes(payload) : payload, id);
      },
      ws_close(bytes) {
        const { conn_id: id, code, reason } = decodeWsClose(bytes);
        known(id);
        if (code !== 0 && !mayBeSent(code)) {
          throw new Failure(Code.refused, `the close code ${code} cannot be sent`);
        }
        if (reason.length > maxReasonBytes) {
          throw new Failure(
            Code.refused,
            `a reason of ${reason.length} bytes; at most ${maxReasonBytes} are sent`,
          );
        }
        context.send(Effect.close, encodeFarewell(code === 0 ? 1000 : code, reason), id);
      },
    },
    deliver({ kind, id }) {
      if (kind === opened) connections.add(id);
      else if (kind === closed) connections.delete(id);
    },
  };
}

/** Codes that an endpoint may put into a close frame (RFC 6455 section 7.4 and its registry). */
function mayBeSent(code: number): boolean {
  if (code >= 3000) return code <= 4999;
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014);
}

/** A large payload is transferred, which a view of the guest's memory cannot be. */
function ownBytes(view: Uint8Array): Uint8Array {
  const own = Buffer.allocUnsafeSlow(view.length);
  own.set(view);
  return own;
}
