/**
 * The ceiling: Node's own HTTP server doing what the echo plugin does and nothing else, with every setting
 * that makes it fast. It reads all header lines, as a host must, and its answers are byte for byte those of
 * the echo plugin. It says its port on stdout; SIGTERM ends it.
 *
 * It is JavaScript since stripping types would make it start later than what it is compared with, which is
 * built.
 */
import { createServer } from 'node:http';

const server = createServer({
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
