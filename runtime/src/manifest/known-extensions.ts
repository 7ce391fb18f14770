/** Capabilities of the extensions that Pulp's own repository has, and the package that brings each. */
export const knownExtensions: ReadonlyMap<string, string> = new Map([
  ['demo.greet', 'pulp-ext-demo'],
  ['cron', 'pulp-ext-cron'],
  ['redis', 'pulp-ext-redis'],
]);

/** Functions that they give, and the package that brings each. */
export const knownExtensionImports: ReadonlyMap<string, string> = new Map([
  ['demo_greet', 'pulp-ext-demo'],
  ['redis_get', 'pulp-ext-redis'],
  ['redis_set', 'pulp-ext-redis'],
  ['redis_del', 'pulp-ext-redis'],
  ['redis_incr', 'pulp-ext-redis'],
  ['redis_expire', 'pulp-ext-redis'],
  ['redis_publish', 'pulp-ext-redis'],
  ['redis_subscribe', 'pulp-ext-redis'],
  ['redis_unsubscribe', 'pulp-ext-redis'],
]);

/** What to do for something that this package brings; empty when there is none. It goes behind a message. */
export function whence(name: string | undefined): string {
  return name === undefined
    ? ''
    : `; the extension ${name} brings it: npm install ${name}, then -ext ${name}`;
}
