/** Tries the flows of a lab with real packets: expected, seen, and the rule that decides by the programs in force. */

import { spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { isObject, type Json, type JsonObject } from '#base/json.ts';
import { Fault } from '#base/wrong.ts';
import type { LinkClient } from '#adapters/link/client.ts';
import type { Fate, Origin, Packet } from '#program/packet.ts';
import type { GuestExit } from '#engine/guest-port.ts';
import type { Resource } from '#model/resource.ts';
import type { Settings } from '#main/boot/settings.ts';
import { operatorAddresses } from '#model/infra.ts';
import { withStamp } from '#main/command/options.ts';

/** One row of `flows.json`: names are `internet`, `operator`, a machine, or a public address of the lab. */
export type LabFlow = {
  readonly from: string;
  readonly to: string;
  readonly port: number;
  readonly expected: 'allow' | 'deny';
  readonly why: string;
};

/** What `up` prints for one flow. */
export type FlowRow = {
  readonly from: string;
  readonly to: string;
  readonly expected: 'allow' | 'deny';
  readonly seen: 'allow' | 'deny';
  readonly because: string;
};

/** What the flows are of: the group that the lab lies in, and its rows. */
export type FlowsOfLab = { readonly resourceGroup: string; readonly flows: readonly LabFlow[] };

type Place = { readonly origin: Origin; readonly address: string; readonly machine?: string };

const knockTimeoutMs = 1500;
const parallel = 24;

/** Tries all flows, a few at a time, while a listener on the lab's internet answers for the world. */
export async function tryFlows(lab: FlowsOfLab, settings: Settings): Promise<readonly FlowRow[]> {
  const outside = outsideAddresses(settings);
  const listener = listen(`rw${settings.number}-inet`, outside.internet, 80);
  try {
    await listener.ready;
    return await withStamp(settings, async (link) => {
      const rows: FlowRow[] = [];
      for (let index = 0; index < lab.flows.length; index += parallel) {
        const some = lab.flows.slice(index, index + parallel);
        rows.push(...(await Promise.all(some.map((flow) => tryFlow(flow, { lab, settings, link })))));
      }
      return rows;
    });
  } finally {
    listener.close();
  }
}

type At = { readonly lab: FlowsOfLab; readonly settings: Settings; readonly link: LinkClient };

async function tryFlow(flow: LabFlow, at: At): Promise<FlowRow> {
  const [from, to] = [await placeOf(flow.from, at), await placeOf(flow.to, at)];
  const seen = (await knock(from, { address: to.address, port: flow.port }, at)) ? 'allow' : 'deny';
  const because = await reasonOf(
    {
      origin: from.origin,
      source: from.address,
      target: to.address,
      protocol: 'tcp',
      sourcePort: 40_000,
      targetPort: flow.port,
    },
    at.link,
  );
  return { from: flow.from, to: `${flow.to}:${flow.port}`, expected: flow.expected, seen, because };
}

/** The rule or route that the programs in force name for the packet. */
async function reasonOf(packet: Packet, link: LinkClient): Promise<string> {
  const fate = await link.call<Fate>('evaluate', [packet]);
  if (fate.verdict === 'drop') return fate.because;
  const filters = fate.hops.filter(
    (hop) => hop.step === 'filter' || (hop.step === 'route' && hop.because.startsWith('routeTable')),
  );
  return filters.at(-1)?.because ?? fate.hops.at(-1)?.because ?? 'delivered';
}

async function placeOf(name: string, { lab, settings, link }: At): Promise<Place> {
  const outside = outsideAddresses(settings);
  if (name === 'internet') return { origin: { kind: 'internet' }, address: outside.internet };
  if (name === 'operator') return { origin: { kind: 'operator' }, address: outside.operator };
  const status = await link.call<JsonObject>('status', []);
  const base = `/subscriptions/${String(status['subscriptionId'])}/resourceGroups/${lab.resourceGroup}/providers`;
  if (name.startsWith('pip-')) {
    const address = (await resource(link, `${base}/Microsoft.Network/publicIPAddresses/${name}`)).properties[
      'ipAddress'
    ];
    return { origin: { kind: 'internet' }, address: String(address) };
  }
  const nic = await resource(link, `${base}/Microsoft.Network/networkInterfaces/nic-${name}`);
  const first = objectOf(
    Array.isArray(nic.properties['ipConfigurations']) ? nic.properties['ipConfigurations'][0] : undefined,
  );
  return {
    origin: { kind: 'nic', mark: Number(objectOf(nic.internal)['mark']) },
    address: String(objectOf(first['properties'])['privateIPAddress']),
    machine: `${base}/Microsoft.Compute/virtualMachines/${name}`,
  };
}

async function resource(link: LinkClient, id: string): Promise<Resource> {
  const found = await link.call<Resource | null>('resource', [id]);
  if (found === null) throw new Fault('LabIncomplete', `The lab has no ${id}.`);
  return found;
}

function objectOf(value: Json | undefined): JsonObject {
  return isObject(value) ? value : {};
}

/** Does a TCP connection open from there? A refused one counts: its packet arrived. */
async function knock(from: Place, target: { address: string; port: number }, { settings, link }: At): Promise<boolean> {
  if (from.machine !== undefined) {
    const argv = ['nc', '-z', '-w', '2', target.address, String(target.port)];
    const exit = await link.call<GuestExit>('exec', [from.machine, argv, { timeoutMs: 10_000 }]);
    return exit.code === 0 || /refused/i.test(exit.stderr);
  }
  const words = ['connect', target.address, String(target.port), String(knockTimeoutMs), from.address];
  const child = from.origin.kind === 'operator' ? node(words) : inNamespace(`rw${settings.number}-inet`, words);
  return (await child.ended) === 0;
}

type Running = { readonly ended: Promise<number>; readonly ready: Promise<void>; readonly close: () => void };

function listen(namespace: string, address: string, port: number): Running {
  return inNamespace(namespace, ['listen', address, String(port)]);
}

function inNamespace(namespace: string, words: readonly string[]): Running {
  return run('nsenter', [`--net=/run/netns/${namespace}`, '--', process.execPath, ...knockFile(), ...words]);
}

function node(words: readonly string[]): Running {
  return run(process.execPath, [...knockFile(), ...words]);
}

function knockFile(): string[] {
  return [
    '--disallow-code-generation-from-strings',
    '--disable-warning=ExperimentalWarning',
    join(dirname(import.meta.dirname), 'knock.ts'),
  ];
}

function run(command: string, argv: readonly string[]): Running {
  const child = spawn(command, argv, { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = new Promise<number>((resolve) => {
    child.once('error', () => resolve(1));
    child.once('exit', (code) => resolve(code ?? 1));
  });
  const ready = new Promise<void>((resolve) => {
    child.stdout.once('data', () => resolve());
    child.once('exit', () => resolve());
  });
  child.stdin.on('error', () => undefined);
  return { ended, ready, close: () => child.stdin.end() };
}

/** The addresses that stand for the parties outside. */
export function outsideAddresses(settings: Settings): { readonly internet: string; readonly operator: string } {
  return { internet: '198.51.100.10', operator: operatorAddresses(settings.number).root };
}
