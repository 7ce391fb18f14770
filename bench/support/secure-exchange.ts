import { connect as connectHttp2 } from 'node:http2';
import { once } from 'node:events';
import { connect as connectTls } from 'node:tls';
import { ResponseReader } from './response-reader.ts';

/** Certificates of tests are signed by themselves. */
const anyCertificate = { host: '127.0.0.1', rejectUnauthorized: false } as const;

/** One GET over HTTPS/1.1. Gives the answer as it came. */
export async function exchangeHttps(port: number, path: string): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const socket = connectTls({ ...anyCertificate, port, ALPNProtocols: ['http/1.1'] });
  const reader = new ResponseReader((_status, bytes) => resolve(bytes));
  socket.on('data', (chunk: Buffer) => reader.push(chunk));
  socket.once('error', reject);
  socket.once('close', () => reject(new Error(`port ${port}: the connection ended without an answer`)));
  socket.write(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`);
  try {
    return (await promise).toString('latin1');
  } finally {
    socket.destroy();
  }
}

/** One GET over HTTP/2. Gives the answer's headers, a line each, an empty line, and the body. */
export async function exchangeHttp2(port: number, path: string): Promise<string> {
  const session = connectHttp2(`https://127.0.0.1:${port}`, anyCertificate);
  try {
    const stream = session.request({ ':path': path });
    let body = '';
    stream.setEncoding('latin1').on('data', (chunk: string) => (body += chunk));
    const [headers] = (await once(stream, 'response')) as [Record<string, string>];
    await once(stream, 'end');
    return Object.entries(headers)
      .map(([name, value]) => `${name}: ${value}\r\n`)
      .toSorted()
      .join('')
      .concat('\r\n', body);
  } finally {
    session.destroy();
  }
}
