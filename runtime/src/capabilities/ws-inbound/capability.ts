import { defineCapability } from '../../ext.ts';

/** WebSocket connections to a plugin (contract sections 4 to 6). This host has its signatures only. */
export const capability = defineCapability({
  name: 'transport.ws.inbound',
  events: ['ws.open', 'ws.frame', 'ws.close'],
  imports: {
    ws_register: { params: ['in'] },
    ws_send: { params: ['in'] },
    ws_close: { params: ['in'] },
  },
});
