import type { OptionsOf } from '../../ext.ts';
import { count, list } from '../option.ts';
import { maxAllowedHosts, parseAllowedHost } from './allowed-host.ts';

/** Longest that a fetch may take, whoever asks for it: the manifest or the request, in milliseconds. */
export const maxTimeoutMs = 300_000;

const maxBytes = 1024 ** 3;

/** The table `[transport.http.outbound]` of a manifest. */
export const options = {
  /** Undefined: every public address. Entries stay text, which can be sent to a thread; they have been read once. */
  allowed_hosts: list({
    most: maxAllowedHosts,
    entry: (text) => {
      parseAllowedHost(text);
      return text;
    },
  }),
  /** For a whole exchange: shorter than what a client waits for, so that the plugin can still tell it. */
  timeout_ms: count({ default: 25_000, min: 1, max: maxTimeoutMs }),
  /** Of an answer, as it is received and once it is decoded. */
  max_body_bytes: count({ default: 32 * 1024 * 1024, min: 1, max: maxBytes }),
  max_request_body_bytes: count({ default: 32 * 1024 * 1024, min: 0, max: maxBytes }),
  /** 0: the plugin gets redirects as answers. */
  max_redirects: count({ default: 10, min: 0, max: 50 }),
};

/** The options as the guest end gets them. */
export type Options = OptionsOf<typeof options>;
