import { mutate } from './mutate.ts';
import type { Random } from './random.ts';

const methods = [
  'GET',
  'POST',
  'HEAD',
  'PUT',
  'OPTIONS',
  'CONNECT',
  'TRACE',
  'PROPFIND',
  'get',
  'PRI',
  '',
  'G\tT',
];
const targets = [
  '/echo/a',
  '/echo',
  '/',
  '*',
  '/echo/%2e%2e',
  '/echo/%00',
  '/echo/%zz',
  '/echo/%',
  '//echo//a',
  '/echo/a?b=c&b=d',

  'http://other/echo/a',
  'echo',
  '/echo/\xff',
  '/echo/a#f',
  '/echo/?%ff=%',
  'https://[::1]:x/',
  '/../..',
  '',
];
const versions = ['HTTP/1.1', 'HTTP/1.0', 'HTTP/0.9', 'HTTP/2.0', 'HTTP/1.1 ', 'ICY/1.1', ''];
const headers = [
  'Host: a',
  'Host: a\r\nHost: b',
  'Host:',
  'Host: a b',
  'Connection: close',
  'Connection: keep-alive',

  'Content-Length: 3',
  'Content-Length: 3\r\nContent-Length: 4',
  'Content-Length: -1',
  'Content-Length: 0x3',

  'Content-Length: 99999999999999999999',
  'Transfer-Encoding: chunked',
  'Transfer-Encoding: gzip, chunked',

  'Transfer-Encoding: chunked\r\nContent-Length: 3',
  'Transfer-Encoding : chunked',
  'Transfer-Encoding: identity',
  'Expect: 100-continue',
  'Expect: x',
  'Upgrade: websocket\r\nConnection: Upgrade',
  'Upgrade: h2c',

  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13',
  'X: y',
  'X: \xff',
  'X: a\r\n b',

  'X: a\n',
  ': x',
  'X',
  '__proto__: x',
  'constructor: y',
  'Trailer: X',
  'X\0: y',
  'X: \0',
  'Cookie: a=b; c',
];
const bodies = [
  '',
  'abc',
  '3\r\nabc\r\n0\r\n\r\n',
  '3;x=y\r\nabc\r\n0\r\nX: y\r\n\r\n',
  'fffffffff\r\n',
  '3\nabc\n0\n\n',
  '-1\r\n',
];

/** What a client sends: requests that are good, odd or broken, one behind the other. */
export function request(random: Random): Buffer {
  const count = random.oneIn(4) ? 1 + random.below(4) : 1;
  const bytes = Buffer.concat(Array.from({ length: count }, () => Buffer.from(one(random), 'latin1')));
  return random.oneIn(2) ? mutate(random, bytes) : bytes;
}

function one(random: Random): string {
  const pick = (items: readonly string[], good: string): string =>
    random.oneIn(3) ? random.pick(items) : good;
  const lines = Array.from({ length: random.length(20) }, () => random.pick(headers));
  if (!random.oneIn(8)) lines.unshift('Host: fuzz');
  if (random.oneIn(64)) lines.push(`X-Long: ${'x'.repeat(70_000)}`);
  if (random.oneIn(64)) lines.push(...Array.from({ length: 3000 }, (_, index) => `X-${index}: y`));
  const first = `${pick(methods, random.oneIn(2) ? 'GET' : 'POST')} ${pick(targets, '/echo/a')} ${pick(versions, 'HTTP/1.1')}`;
  const end = random.oneIn(16) ? '\n' : '\r\n';
  return `${[first, ...lines].join(end)}${end}${end}${random.pick(bodies)}`;
}
