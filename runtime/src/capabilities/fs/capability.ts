import { defineCapability } from '../../ext.ts';
import { count } from '../option.ts';

/** A plugin's own files (contract sections 4 and 8). */
export const capability = defineCapability({
  module: import.meta.url,
  name: 'storage.fs',
  stores: true,
  imports: {
    fs_read: { params: ['in', 'out'] },
    fs_write: { params: ['in', 'in?'], optional: ['in?'] },
    fs_append: { params: ['in', 'in?'] },
    fs_delete: { params: ['in'] },
    fs_list: { params: ['in?', 'out'] },
    fs_stat: { params: ['in', 'out'] },
    fs_rename: { params: ['in'] },
    fs_remove_all: { params: ['in'] },
    fs_mkdir_all: { params: ['in'] },
    fs_chmod: { params: ['in'] },
    fs_create_temp: { params: ['in', 'out'] },
    fs_mkdir_temp: { params: ['in', 'out'] },
  },
  options: {
    /** Bytes of all files together, the database left out. */
    max_bytes: count({ default: 2 ** 30, min: 1, max: Number.MAX_SAFE_INTEGER }),
    /** Bytes of one file, written or read. A guest's memory has no more than 4 GiB. */
    max_file_bytes: count({ default: 64 * 2 ** 20, min: 1, max: 2 ** 32 - 1 }),
    /** Files and folders. */
    max_files: count({ default: 100_000, min: 1, max: 2 ** 32 - 1 }),
  },
  async guest(context) {
    const { guest } = await import('./guest.ts');
    return guest(context);
  },
});
