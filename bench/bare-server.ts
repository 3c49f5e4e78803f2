/** A bare HTTPS server in a process of its own: it reads a body and answers as many bytes as it was told, and does no work. Key and certificate come by stdin. */

import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';

type Order = { readonly key: string; readonly cert: string; readonly answerBytes: number };

const { key, cert, answerBytes } = JSON.parse(readFileSync(0, 'utf8')) as Order;
const text = JSON.stringify({ answer: 'x'.repeat(answerBytes) });
const server = createServer({ key, cert, minVersion: 'TLSv1.2' }, (request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    JSON.parse(Buffer.concat(chunks).toString('utf8'));
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) });
    response.end(text);
  });
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  process.stdout.write(`${typeof address === 'object' && address !== null ? address.port : 0}\n`);
});
