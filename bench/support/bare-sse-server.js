/**
 * Sends events to all subscribers with node:http alone, a `write` of the response for each: what the SSE benchmark is
 * measured against. `/stream` is the stream, `/emit/<events>/<bytes>` sends so many events with so much data.
 */
import { createServer } from 'node:http';

const head = ['Content-Type', 'text/event-stream', 'Cache-Control', 'no-cache', 'X-Accel-Buffering', 'no'];
const subscribers = new Set();

const server = createServer({ noDelay: true, optimizeEmptyRequests: true }, (request, response) => {
  const [, what, events, bytes] = request.url.split('/');
  if (what === 'stream') {
    response.writeHead(200, head);
    response.flushHeaders();
    subscribers.add(response);
    response.once('close', () => subscribers.delete(response));
    return;
  }
  emit(Number(events), Number(bytes));
  response.end('ok');
});

/** Nothing is sent before the loop is over: the writes of each response become one. */
function emit(events, bytes) {
  for (let left = events; left > 0; left--) {
    // The last one says that it is the last.
    const frame = Buffer.from(`data: ${(left === 1 ? '!' : 'x').padEnd(bytes, 'x')}\n\n`);
    for (const response of subscribers) response.write(frame);
  }
}

server.listen({ port: 0, host: '127.0.0.1' }, () => {
  process.stdout.write(`listening on 127.0.0.1:${server.address().port}\n`);
});
process.once('SIGTERM', () => process.exit(0));
