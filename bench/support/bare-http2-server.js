/**
 * Does what `bare-server.js` does over HTTP/2, with streams instead of the slower requests and responses. Its
 * arguments are the files of a certificate and its key.
 */
import { readFileSync } from 'node:fs';
import { createSecureServer } from 'node:http2';

const [, , cert, key] = process.argv;
const server = createSecureServer({ cert: readFileSync(cert), key: readFileSync(key), noDelay: true });

let headerBytes = 0;

server.on('stream', (stream, headers, _flags, rawHeaders) => {
  for (const text of rawHeaders) headerBytes += text.length;
  const path = headers[':path'];
  const body = path.startsWith('/echo/') ? path.slice('/echo/'.length) : '';
  stream.respond({
    ':status': body === '' ? 404 : 200,
    'content-type': 'text/plain; charset=utf-8',
    'content-length': String(body.length),
  });
  stream.end(body, 'latin1');
});
// A client that leaves in the middle ends its streams with an error that concerns nobody here.
server.on('session', (session) => session.on('error', () => undefined));

server.listen({ port: 0, host: '127.0.0.1' }, () => {
  process.stdout.write(`listening on 127.0.0.1:${server.address().port}\n`);
});

process.once('SIGTERM', () => {
  process.stdout.write(`read ${headerBytes} bytes of headers\n`, () => process.exit(0));
});
