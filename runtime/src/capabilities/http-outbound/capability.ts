import { defineCapability } from '../../ext.ts';
import { options } from './options.ts';

/** HTTP requests that a plugin makes (contract sections 4, 5 and 7). Everything is in the plugin's thread. */
export const capability = defineCapability({
  module: import.meta.url,
  name: 'transport.http.outbound',
  imports: { http_fetch: { params: ['in', 'out'], waits: true } },
  options,
  async guest(context) {
    const { guest } = await import('./guest.ts');
    return guest(context);
  },
});
