/** A bare HTTPS server in a process of its own: it reads a body and answers what it was told, and does no work. Key and certificate come by stdin. */

import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';

/** What it answers: so many bytes, or a text and headers as another server gave them. */
type Order = { readonly key: string; readonly cert: string } & (
  | { readonly answerBytes: number }
  | { readonly text: string; readonly headers: Readonly<Record<string, string>> }
);

const order = JSON.parse(readFileSync(0, 'utf8')) as Order;
const text = 'text' in order ? order.text : JSON.stringify({ answer: 'x'.repeat(order.answerBytes) });
const headers = 'text' in order ? order.headers : { 'content-type': 'application/json' };
const server = createServer({ key: order.key, cert: order.cert, minVersion: 'TLSv1.2' }, (request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const body = Buffer.concat(chunks).toString('utf8');
    if (body !== '') JSON.parse(body);
    response.writeHead(200, { ...headers, 'content-length': Buffer.byteLength(text) });
    response.end(text);
  });
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  process.stdout.write(`${typeof address === 'object' && address !== null ? address.port : 0}\n`);
});
