import { defineCapability } from '../../ext.ts';

/** The name under which the imports that need no declaration stand. */
export const callCapability = 'pulp.call';

/** Calls between plugins (contract section 4): bound for every plugin, declared by none. */
export const capability = defineCapability({
  module: import.meta.url,
  name: callCapability,
  imports: { pulp_call: { params: ['in', 'in', 'in?', 'out'] } },
  async guest() {
    const { guest } = await import('./guest.ts');
    return guest();
  },
});
