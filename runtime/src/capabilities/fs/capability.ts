import { defineCapability } from '../../ext.ts';

/** A plugin's own files (contract sections 4 and 8). This host has its signatures only. */
export const capability = defineCapability({
  name: 'storage.fs',
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
});
