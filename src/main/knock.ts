/** A knock at a TCP port, or a door that answers one: run inside a network namespace to try flows. */

import { connect, createServer } from 'node:net';

const [verb, address = '', port = '0', timeoutMs = '2000', localAddress] = process.argv.slice(2);

if (verb === 'listen') {
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy());
    socket.end('ringwall\n');
  });
  server.listen(Number(port), address, () => process.stdout.write('ready\n'));
  // It stands as long as whoever started it holds its input.
  process.stdin.on('end', () => process.exit(0)).resume();
} else {
  const socket = connect({
    host: address,
    port: Number(port),
    ...(localAddress === undefined ? {} : { localAddress }),
  });
  const end = (code: number): void => process.exit(code);
  socket.setTimeout(Number(timeoutMs), () => end(1));
  socket.once('connect', () => end(0));
  // Refused means that the packet arrived and was answered.
  socket.once('error', (error: NodeJS.ErrnoException) => end(error.code === 'ECONNREFUSED' ? 0 : 1));
}
