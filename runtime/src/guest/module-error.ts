/**
 * Why a module cannot be a plugin here. The codes are stable: logs, tests and docs name them.
 *
 * - `not-wasm`: the bytes are something else, such as text, an archive or nothing at all.
 * - `component`: a component-model binary; the host runs core modules.
 * - `version`: a binary format version other than 1.
 * - `truncated`: the bytes end in the middle.
 * - `malformed`: the binary format is broken.
 * - `feature`: it uses something that the engine does not have, or the host does not offer.
 * - `limit`: more of something than engines accept or a plugin may have, or a function that takes too much memory to
 *   compile.
 * - `memory`: shared, 64-bit or several memories, or more memory at start than the plugin may have.
 * - `missing-exports`: exports that the plugin contract requires are not there.
 * - `wrong-signature`: an export has another signature than the contract's.
 * - `unknown-import`: it imports what the host does not have.
 * - `import-signature`: an import has another signature than the host's function.
 * - `compile`: the engine refuses the code.
 */
export type ModuleErrorCode =
  | 'not-wasm'
  | 'component'
  | 'version'
  | 'truncated'
  | 'malformed'
  | 'feature'
  | 'limit'
  | 'memory'
  | 'missing-exports'
  | 'wrong-signature'
  | 'unknown-import'
  | 'import-signature'
  | 'compile';

/** A module that cannot be loaded: always the plugin's fault, never the host's. */
export class ModuleError extends Error {
  readonly code: ModuleErrorCode;

  /** The message should begin with the module's name and say what, where, and what to do. */
  constructor(code: ModuleErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ModuleError';
    this.code = code;
  }
}
