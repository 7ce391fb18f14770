/** Answers each request after a second: what a guest waits for in `bench/fetch.ts`. */
import { createServer } from 'node:http';

const server = createServer((_request, response) => {
  // The connection ends with the answer, so that nothing of it is left when the next steps are timed.
  setTimeout(() => response.writeHead(200, { Connection: 'close' }).end('late'), 1000);
});
server.listen({ port: 0, host: '127.0.0.1' }, () => {
  process.stdout.write(`listening on 127.0.0.1:${server.address().port}\n`);
});
process.once('SIGTERM', () => process.exit(0));
