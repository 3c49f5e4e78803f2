/** Health probes from 168.63.129.16 inside a VNet's router: a TCP connect or an HTTP GET, opened there and read here. */

import type { Probe, Probed } from '#engine/plane-port.ts';
import { connectIn } from '#adapters/linux/socket.ts';
import { probeSources } from '#program/martian.ts';

/** Azure's rule: TCP is up when the handshake completes; HTTP only with status 200 within the time. */
export async function runProbe(namespace: string, { probe, link }: { probe: Probe; link: string }): Promise<Probed> {
  const isSix = probe.address.includes(':');
  const options = {
    source: isSix ? probeSources[6] : probeSources[4],
    target: probe.address,
    port: probe.port,
    timeoutMs: probe.timeoutMs,
  };
  const connection = await connectIn(namespace, isSix ? { ...options, link } : options);
  if (typeof connection === 'string') return { state: 'down', because: connection };
  try {
    if (probe.protocol === 'tcp') return { state: 'up', because: 'connected' };
    const answer = await connection.ask(
      `GET ${probe.path ?? '/'} HTTP/1.1\r\nHost: ${probe.address}\r\nConnection: close\r\nUser-Agent: Load Balancer Agent\r\n\r\n`,
    );
    const status = /^HTTP\/1\.[01] (\d{3})/.exec(answer)?.[1];
    return status === '200'
      ? { state: 'up', because: 'HTTP 200' }
      : { state: 'down', because: `HTTP ${status ?? 'without a status'}` };
  } finally {
    connection.close();
  }
}
