import { defineCapability } from '../../ext.ts';
import { options } from './options.ts';

/** Server-sent events (contract sections 4 to 6). */
export const capability = defineCapability({
  module: import.meta.url,
  name: 'transport.sse',
  events: ['sse.open', 'sse.close'],
  imports: {
    sse_register: { params: ['in'] },
    sse_emit: { params: ['in'] },
    sse_send: { params: ['in'] },
  },
  options,
  async guest(context) {
    const { guest } = await import('./guest.ts');
    return guest(context);
  },
  async edge(context) {
    const { edge } = await import('./edge.ts');
    return edge(context);
  },
});
