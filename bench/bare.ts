/** Starts a bare HTTPS server beside what is measured, with a certificate of its own. */

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { Fault } from '#base/wrong.ts';
import { createAuthority, issueCertificate } from '#main/boot/certificates.ts';

/** So many bytes of its own, or the text and headers that another server gave. */
export type BareAnswer =
  | { readonly answerBytes: number }
  | { readonly text: string; readonly headers: Readonly<Record<string, string>> };

export type Bare = { readonly port: number; readonly ca: string; readonly pid: number; readonly close: () => void };

/** It serves on loopback until it is closed. */
export async function startBare(answer: BareAnswer): Promise<Bare> {
  const now = Date.now();
  const authority = await createAuthority('bench', now);
  const { keyPem, certificatePem } = await issueCertificate(authority, {
    names: ['localhost'],
    addresses: ['127.0.0.1'],
    now,
  });
  const child = spawn(process.execPath, [join(import.meta.dirname, 'bare-server.ts')], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  child.stdin.end(JSON.stringify({ key: keyPem, cert: certificatePem, ...answer }));
  const port = await portOf(child);
  return { port, ca: authority.certificatePem, pid: child.pid ?? 0, close: () => void child.kill('SIGTERM') };
}

async function portOf(child: ChildProcess): Promise<number> {
  const [line] = (await once(child.stdout ?? child, 'data')) as [Buffer];
  const port = Number(line.toString('utf8').trim());
  if (!(port > 0)) throw new Fault('ServerFailed', 'The bare server did not say its port.');
  return port;
}
