/** The limits of a write, measured beside it: one rule by an `nft` process, one bare HTTPS POST, one durable append. */

import { Agent, request } from 'node:https';
import { ipBatch, run } from '#adapters/linux/ip.ts';
import { hasNamespace } from '#adapters/linux/netns.ts';
import { startBare } from '#bench/bare.ts';
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
  const { port, ca, close } = await startBare({ answerBytes });
  const agent = new Agent({ keepAlive: true, maxSockets: 1, ca });
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
      close();
    },
  };
}

const body0 = '{}';
