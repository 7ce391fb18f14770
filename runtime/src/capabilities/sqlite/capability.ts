import { defineCapability } from '../../ext.ts';
import { options } from './options.ts';

/** A plugin's own SQLite database (contract sections 3, 4 and 8). */
export const capability = defineCapability({
  module: import.meta.url,
  name: 'storage.sqlite',
  imports: {
    sqlite_exec: { params: ['in', 'in?'], optional: ['out'] },
    sqlite_query: { params: ['in', 'in?', 'out'] },
    sqlite_error: { params: ['out'] },
  },
  options,
  async guest(context) {
    const { guest } = await import('./guest.ts');
    return guest(context);
  },
});
