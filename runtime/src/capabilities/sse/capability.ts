import { defineCapability } from '../../ext.ts';

/** Server-sent events (contract sections 4 and 5). This host has its signatures only. */
export const capability = defineCapability({
  name: 'transport.sse',
  imports: {
    sse_register: { params: ['in'] },
    sse_emit: { params: ['in'] },
  },
});
