import { defineCapability } from '../../ext.ts';
import { options } from './options.ts';

/** WebSocket connections to a plugin (contract sections 4 to 6). */
export const capability = defineCapability({
  module: import.meta.url,
  name: 'transport.ws.inbound',
  events: ['ws.open', 'ws.frame', 'ws.close'],
  imports: {
    ws_register: { params: ['in'] },
    ws_send: { params: ['in'] },
    ws_close: { params: ['in'] },
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
