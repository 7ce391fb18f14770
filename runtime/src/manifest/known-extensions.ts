/** Capabilities of the extensions that Pulp's own repository has, and the package that brings each. */
export const knownExtensions: ReadonlyMap<string, string> = new Map([
  ['demo.greet', 'pulp-ext-demo'],
  ['cron', 'pulp-ext-cron'],
  ['redis', 'pulp-ext-redis'],
]);
