/** The limits of a write, measured beside it: one rule by an `nft` process, one bare HTTPS POST, one durable append. */

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { Agent, request } from 'node:https';
import { join } from 'node:path';
import { Fault } from '#base/wrong.ts';
import { ipBatch, run } from '#adapters/linux/ip.ts';
import { hasNamespace } from '#adapters/linux/netns.ts';
import { createAuthority, issueCertificate } from '#main/boot/certificates.ts';
import { timed } from '#bench/figures.ts';
import { ruleEntry, scratchStore } from '#bench/store.ts';

export type LimitSamples = { readonly nft: number[]; readonly https: number[]; readonly append: number[] };

export type Limits = {
  readonly samples: LimitSamples;
  /** Takes some more samples of each. */
  readonly sample: (count: number) => Promise<void>;
  readonly close: () => Promise<void>;
};

const answerBytes = 900;

/** Opens the three; `body` is what the compared write sends. The namespace is ours alone. */
export async function openLimits({
  namespace,
  body,
}: {
  readonly namespace: string;
  readonly body: string;
}): Promise<Limits> {
  const samples: LimitSamples = { nft: [], https: [], append: [] };
  await ipBatch(undefined, [`netns add ${namespace}`]);
  await nft(namespace, 'add table inet bench\nadd chain inet bench rules\n');
  const server = await startServer();
  const scratch = scratchStore();
  let count = 0;
  const sample = async (times: number) => {
    for (let index = 0; index < times; index++) {
      count += 1;
      const line = `add rule inet bench rules ip saddr 203.0.113.7 tcp dport ${1024 + (count % 60_000)} counter accept\n`;
      samples.nft.push(await timed(() => nft(namespace, line)));
      samples.https.push(await timed(() => server.post(body)));
      samples.append.push(await timed(() => scratch.store.append(ruleEntry(count))));
    }
  };
  const close = async () => {
    server.close();
    scratch.remove();
    if (hasNamespace(namespace)) await ipBatch(undefined, [`netns del ${namespace}`]);
  };
  return { samples, sample, close };
}

async function nft(namespace: string, text: string): Promise<void> {
  await run(['nsenter', `--net=/run/netns/${namespace}`, 'nft', '-f', '-'], text);
}

type Server = { readonly post: (body: string) => Promise<void>; readonly close: () => void };

async function startServer(): Promise<Server> {
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
  child.stdin.end(JSON.stringify({ key: keyPem, cert: certificatePem, answerBytes }));
  const port = await portOf(child);
  const agent = new Agent({ keepAlive: true, maxSockets: 1, ca: authority.certificatePem });
  const post = (body: string) =>
    new Promise<void>((resolve, reject) => {
      const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
      const sent = request({ host: '127.0.0.1', port, method: 'POST', path: '/', agent, headers }, (response) => {
        response.resume();
        response.on('error', reject);
        response.on('end', () => resolve());
      });
      sent.on('error', reject);
      sent.end(body);
    });
  await post(body0);
  return {
    post,
    close: () => {
      agent.destroy();
      child.kill('SIGTERM');
    },
  };
}

const body0 = '{}';

async function portOf(child: ChildProcess): Promise<number> {
  const [line] = (await once(child.stdout ?? child, 'data')) as [Buffer];
  const port = Number(line.toString('utf8').trim());
  if (!(port > 0)) throw new Fault('ServerFailed', 'The bare server did not say its port.');
  return port;
}
