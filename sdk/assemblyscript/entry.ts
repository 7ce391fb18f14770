/**
 * Gives every plugin the exports of the contract. The shared asconfig.json adds this file to the plugin's
 * own entries, and only what an entry exports becomes an export of the module.
 *
 * The import goes by the package's name on purpose: a relative one would be another module to the compiler,
 * with another copy of all state.
 */
export * from 'pulp-sdk-assemblyscript/assembly/exports';
