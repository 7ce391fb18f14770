import { defineCapability } from '../../ext.ts';

/** Requests to a plugin's routes, and its answers (contract sections 4 to 6). */
export const capability = defineCapability({
  module: import.meta.url,
  name: 'transport.http.inbound',
  events: ['http.request'],
  imports: {
    http_register: { params: ['in'] },
    http_respond: { params: ['in'] },
  },
  async guest(context) {
    const { guest } = await import('./guest.ts');
    return guest(context);
  },
  async edge(context) {
    const { edge } = await import('./edge.ts');
    return edge(context);
  },
});
