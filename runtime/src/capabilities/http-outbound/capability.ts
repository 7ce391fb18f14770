import { defineCapability } from '../../ext.ts';

/** HTTP requests that a plugin makes (contract sections 4 and 5). This host has its signatures only. */
export const capability = defineCapability({
  name: 'transport.http.outbound',
  imports: { http_fetch: { params: ['in', 'out'], waits: true } },
});
