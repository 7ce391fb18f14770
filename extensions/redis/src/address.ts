/** The variable by which the operator says where Redis is. */
export const variable = 'PULP_REDIS_URL';

/**
 * Where Redis is: `redis://[[user]:password@]host[:port][/database]`, or `rediss://` for TLS. Throws an Error that never
 * has the password in it: the variable is not set, or cannot be understood.
 */
export function redisAddress(env: Readonly<Record<string, string | undefined>>): URL {
  const text = env[variable] ?? '';
  if (text === '') {
    throw new Error(
      `redis: the variable ${variable} says where Redis is, such as redis://127.0.0.1:6379, and is not set`,
    );
  }
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (
    url === undefined ||
    !/^rediss?:$/.test(url.protocol) ||
    url.hostname === '' ||
    !/^(?:\/\d*)?$/.test(url.pathname) ||
    // A password with one of these that is not escaped.
    url.search + url.hash !== '' ||
    !isEscaped(url.username + url.password)
  ) {
    throw new Error(
      `redis: the variable ${variable} has to look like redis://user:password@host:6379/0, or rediss:// for TLS`,
    );
  }
  return url;
}

function isEscaped(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}
