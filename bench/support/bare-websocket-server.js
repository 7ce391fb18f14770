/** Sends every message back, on `ws` alone: what the WebSocket benchmark is measured against. */
import { createServer } from 'node:http';
import { WebSocketServer } from 'ws';

const server = createServer();
const sockets = new WebSocketServer({ server, perMessageDeflate: false, maxPayload: 1024 * 1024 });
sockets.on('connection', (socket) => {
  socket.on('message', (data, binary) => socket.send(data, { binary }));
  socket.on('error', () => socket.terminate());
});
server.listen({ port: 0, host: '127.0.0.1' }, () => {
  process.stdout.write(`listening on 127.0.0.1:${server.address().port}\n`);
});
process.once('SIGTERM', () => process.exit(0));
