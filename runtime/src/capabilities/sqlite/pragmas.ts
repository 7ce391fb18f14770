/**
 * What a guest may do with each of SQLite's pragmas. A pragma that is not in the list does nothing, as one
 * that SQLite does not have: it is never run.
 */

/**
 * - `free`: whatever it says.
 * - `read`: without a value. A value is refused, unless it is the one that is in force.
 * - `kept`: a value changes nothing and is answered with what is in force. For what plugins set for speed or
 *   by habit, and what the host has to decide.
 * - `sized`: as `free` up to {@link maxCacheBytes}, beyond that `kept`.
 * - `refused`: not even without a value.
 */
export type PragmaRule = 'free' | 'read' | 'kept' | 'sized' | 'refused';

/** Bytes of SQLite's page cache that a guest may ask for. */
export const maxCacheBytes = 64 * 1024 * 1024;

const names: Readonly<Record<PragmaRule, readonly string[]>> = {
  free: [
    'analysis_limit',
    'application_id',
    'auto_vacuum',
    'automatic_index',
    'busy_timeout',
    'case_sensitive_like',
    'cell_size_check',
    'checkpoint_fullfsync',
    'collation_list',
    'compile_options',
    'data_version',
    'defer_foreign_keys',
    'foreign_key_check',
    'foreign_key_list',
    'foreign_keys',
    'freelist_count',
    'fullfsync',
    'function_list',
    'ignore_check_constraints',
    'incremental_vacuum',
    'index_info',
    'index_list',
    'index_xinfo',
    'integrity_check',
    'legacy_alter_table',
    'module_list',
    'optimize',
    'page_count',
    'pragma_list',
    'query_only',
    'quick_check',
    'read_uncommitted',
    'recursive_triggers',
    'reverse_unordered_selects',
    'secure_delete',
    'shrink_memory',
    'table_info',
    'table_list',
    'table_xinfo',
    'trusted_schema',
    'user_version',
    'wal_checkpoint',
  ],
  kept: [
    // What was acknowledged must not be lost: the manifest's `pragmas` choose these.
    'journal_mode',
    'synchronous',
    // In memory, sorting would take the process's memory without a bound; changed, it drops the temporary tables.
    'temp_store',
    // The file has one since it was made.
    'encoding',
  ],
  sized: ['cache_size'],
  read: [
    // Together they are the bound of what the plugin has on disk.
    'max_page_count',
    'page_size',
    'wal_autocheckpoint',
    'journal_size_limit',
    // A file that is cut short while it is mapped ends the process.
    'mmap_size',
    // Nobody could look at the database beside the plugin.
    'locking_mode',
    // Dirty pages would stay in memory; threads beside the plugin's own would sort.
    'cache_spill',
    'threads',
    // They are the process's, so other plugins' too.
    'hard_heap_limit',
    'soft_heap_limit',
    // Only to damage the file.
    'schema_version',
    // Deprecated: they change what every other statement gives back.
    'count_changes',
    'default_cache_size',
    'empty_result_callbacks',
    'full_column_names',
    'short_column_names',
  ],
  refused: [
    // They show, or lead to, places on the host.
    'database_list',
    'temp_store_directory',
    'data_store_directory',
    'lock_proxy_file',
    // Only to damage the file.
    'writable_schema',
  ],
};

const rules: ReadonlyMap<string, PragmaRule> = new Map(
  (['free', 'kept', 'sized', 'read', 'refused'] as const).flatMap((rule) =>
    names[rule].map((name): [string, PragmaRule] => [name, rule]),
  ),
);

/** The rule of a pragma, in whatever letter case; undefined when it is none of SQLite's. */
export function pragmaRule(name: string): PragmaRule | undefined {
  return rules.get(name.toLowerCase());
}

/** Whether a `cache_size` stays within {@link maxCacheBytes}: pages, or KiB when it is negative. */
export function isSmallCache(value: string, pageSize: number): boolean {
  if (!/^[+-]?\d{1,9}$/.test(value)) return false;
  const size = Number(value);
  return size < 0 ? -size * 1024 <= maxCacheBytes : size * pageSize <= maxCacheBytes;
}
