/** Incus: one more rule in an ACL that a bridge uses, as its API has it: the whole ACL is put, and the kernel holds it when the answer comes. */

import { request } from 'node:http';
import { isObject, type Json, type JsonObject } from '#base/json.ts';
import { Fault } from '#base/wrong.ts';
import { run } from '#adapters/linux/ip.ts';
import { Daemons } from '#bench/peer-daemons.ts';
import type { Peer } from '#bench/peer.ts';

const daemonFile = '/usr/libexec/incus/incusd';
export const incusPrograms = [daemonFile, 'incus'];

const standingFirst = 1024;
const measuredFirst = 30_000;
const measuredMax = 30_000;

/** Starts the daemon with a folder of its own; ACLs and their bridges are made when a size is asked for. */
export async function openIncus(namespace: string): Promise<Peer> {
  const daemons = await Daemons.open(namespace, (folder) => ({
    INCUS_DIR: folder,
    INCUS_SOCKET: `${folder}/unix.socket`,
  }));
  const peer = new Incus(daemons);
  try {
    daemons.start(daemonFile, ['--group', 'root', '--logfile', `${daemons.folder}/incusd.log`]);
    await daemons.until('incusd', () => peer.ask('GET', '/1.0'));
  } catch (error) {
    await daemons.close();
    throw error;
  }
  return {
    name: 'incus',
    what: 'PUT of an ACL that one bridge uses, until it is answered: nftables holds it then',
    block: (rules, times) => peer.block(rules, times),
    close: async () => {
      await peer.clear().catch(() => undefined);
      await unmounted(daemons.folder);
      await daemons.close();
    },
  };
}

/** What the daemon mounted in its folder. */
async function unmounted(folder: string): Promise<void> {
  for (const name of ['shmounts', 'devlxd', 'devIncus', 'guestapi'])
    await run(['umount', '-l', `${folder}/${name}`], '').catch(() => undefined);
}

class Incus {
  readonly #daemons: Daemons;
  readonly #sizes = new Set<number>();
  #next = 0;

  constructor(daemons: Daemons) {
    this.#daemons = daemons;
  }

  async block(rules: number, times: number): Promise<readonly number[]> {
    const standing = Array.from({ length: rules - 1 }, (_, index) => ruleOf(standingFirst + index));
    const path = `/1.0/network-acls/a${rules}`;
    const put = (ingress: readonly JsonObject[]) =>
      this.ask('PUT', path, { description: '', config: {}, egress: [], ingress: [...ingress] });
    if (!this.#sizes.has(rules)) await this.#make(rules);
    await put(standing);
    const samples: number[] = [];
    for (let turn = 0; turn < times; turn++) {
      const port = measuredFirst + (this.#next++ % measuredMax);
      const start = performance.now();
      await put([...standing, ruleOf(port)]);
      samples.push(performance.now() - start);
      if (turn === 0) await this.#checkKernel(port);
      await put(standing);
    }
    return samples;
  }

  async #make(rules: number): Promise<void> {
    const name = `a${rules}`;
    await this.ask('POST', '/1.0/network-acls', { name, description: '', config: {}, ingress: [], egress: [] });
    const config = {
      'ipv4.address': `10.78.${this.#sizes.size}.1/24`,
      'ipv4.dhcp': 'false',
      'ipv4.nat': 'false',
      'ipv6.address': 'none',
      'dns.mode': 'none',
      'security.acls': name,
    };
    await this.ask('POST', '/1.0/networks', { name: `b${rules}`, type: 'bridge', config });
    this.#sizes.add(rules);
  }

  async clear(): Promise<void> {
    for (const rules of this.#sizes) await this.ask('DELETE', `/1.0/networks/b${rules}`);
  }

  /** The kernel's own list has the newest rule. */
  async #checkKernel(port: number): Promise<void> {
    const list = await this.#daemons.run(['nft', 'list', 'ruleset']);
    if (!list.includes(`tcp dport ${port} `))
      throw new Fault('PeerFailed', `Incus answered, and the kernel has no rule for port ${port}.`);
  }

  /** One call of the API (Incus documentation, "Main API"); one that goes on is waited for. */
  async ask(method: string, path: string, body?: JsonObject): Promise<JsonObject> {
    const answer = await this.#send(method, path, body);
    if (answer['type'] === 'error') throw new Fault('PeerFailed', `Incus refuses ${path}: ${JSON.stringify(answer)}`);
    return answer['type'] === 'async' ? await this.#send('GET', `${String(answer['operation'])}/wait`) : answer;
  }

  #send(method: string, path: string, body?: JsonObject): Promise<JsonObject> {
    return new Promise((resolve, reject) => {
      const socketPath = `${this.#daemons.folder}/unix.socket`;
      const headers = { host: 'incus', 'content-type': 'application/json' };
      const sent = request({ socketPath, method, path, headers }, (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part: Buffer) => parts.push(part));
        response.on('error', reject);
        response.on('end', () => resolve(read(Buffer.concat(parts).toString('utf8'))));
      });
      sent.on('error', reject);
      sent.end(body === undefined ? undefined : JSON.stringify(body));
    });
  }
}

function read(text: string): JsonObject {
  const value = JSON.parse(text) as Json;
  if (!isObject(value)) throw new Fault('PeerFailed', 'Incus answers what is no object.');
  return value;
}

function ruleOf(port: number): JsonObject {
  return { action: 'allow', state: 'enabled', protocol: 'tcp', source: '203.0.113.7', destination_port: String(port) };
}
