/** The TLS listeners of a control plane: one server, each request to the face that its host name asks for. */

import { createServer, type Server } from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Secret } from '#base/secret.ts';

export type Handler = (request: IncomingMessage, response: ServerResponse) => void;

export type ListenOptions = {
  readonly host: string;
  readonly port: number;
  readonly key: Secret;
  readonly certificate: string;
  /**
   * Which face serves a host name (without port, lower case) at the address that the client connected to; undefined: nobody.
   * The name alone is the client's to choose, the address is what the boundary let it reach.
   */
  readonly handlerOf: (hostname: string, address: string) => Handler | undefined;
};

const connectionsMax = 2000;
const requestTimeoutMs = 60_000;
const headersTimeoutMs = 10_000;
/** Node waits two minutes for a handshake, in which idle strangers would use up all connections. */
const handshakeTimeoutMs = 10_000;

/** Listens; TLS 1.2 or better (claims S2.6, S2.7). Answers once the port is open. */
export async function listenTls(options: ListenOptions): Promise<{ server: Server; port: number }> {
  const server = createServer(
    {
      key: options.key.reveal(),
      cert: options.certificate,
      minVersion: 'TLSv1.2',
      honorCipherOrder: true,
      maxHeaderSize: 32 * 1024,
      handshakeTimeout: handshakeTimeoutMs,
      // A client may show a certificate; whose it is, and what it is good for, is judged by its hash (RFC 8705 §2.2).
      requestCert: true,
      rejectUnauthorized: false,
    },
    (request, response) => {
      const hostname = (request.headers.host ?? '').toLowerCase().replace(/:\d+$/, '');
      // RFC 9112 §3.2: who stands in front of us might have read another of them than we do.
      if (request.headersDistinct['host']?.length !== 1) return refuse(response, 400);
      const handler = options.handlerOf(hostname, request.socket.localAddress ?? '');
      if (handler === undefined) return refuse(response, 404);
      handler(request, response);
    },
  );
  server.maxConnections = connectionsMax;
  server.requestTimeout = requestTimeoutMs;
  server.headersTimeout = headersTimeoutMs;
  server.keepAliveTimeout = 65_000;
  server.on('tlsClientError', (_error, socket) => socket.destroy());
  server.on('clientError', (_error, socket) => socket.destroy());
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host, resolve);
  });
  const address = server.address();
  return { server, port: typeof address === 'object' && address !== null ? address.port : options.port };
}

function refuse(response: ServerResponse, status: 400 | 404): void {
  const body = JSON.stringify({ error: { code: 'UnknownHost', message: 'Nothing is served under this host name.' } });
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
  response.end(body);
}

/** Stops accepting, lets requests under way finish, and closes idle connections. */
export async function closeTls(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const timer = setTimeout(() => server.closeAllConnections(), 5000);
  await closed;
  clearTimeout(timer);
}
