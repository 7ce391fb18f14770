/** What `bare-server.js` is, over HTTPS. Its arguments are the files of a certificate and its key. */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';

const [, , cert, key] = process.argv;
const server = createServer({
  cert: readFileSync(cert),
  key: readFileSync(key),
  keepAliveTimeout: 60_000,
  noDelay: true,
  optimizeEmptyRequests: true,
});

let headerBytes = 0;

server.on('request', (request, response) => {
  const { rawHeaders, url } = request;
  for (const text of rawHeaders) headerBytes += text.length;
  const body = url.startsWith('/echo/') ? url.slice('/echo/'.length) : '';
  response.writeHead(body === '' ? 404 : 200, [
    'Content-Type',
    'text/plain; charset=utf-8',
    'Content-Length',
    String(body.length),
  ]);
  response.end(body, 'latin1');
});

server.listen({ port: 0, host: '127.0.0.1' }, () => {
  process.stdout.write(`listening on 127.0.0.1:${server.address().port}\n`);
});

process.once('SIGTERM', () => {
  process.stdout.write(`read ${headerBytes} bytes of headers\n`, () => process.exit(0));
});
