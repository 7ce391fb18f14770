import { defineCapability } from '../../ext.ts';

/** A plugin's own SQLite database (contract sections 4 and 8). This host has its signatures only. */
export const capability = defineCapability({
  name: 'storage.sqlite',
  imports: {
    sqlite_exec: { params: ['in', 'in?'], optional: ['out'] },
    sqlite_query: { params: ['in', 'in?', 'out'] },
  },
});
