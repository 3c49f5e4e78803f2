/** A stamp of the suites' own: brought up by the project's command line under a free number, and always taken down again. */

import { chmodSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Fault } from '#base/wrong.ts';
import { runProgram } from '#test/peers/child.ts';
import { root } from '#tools/sources.ts';

export type LongRunning = 'auto' | 'async' | 'location' | 'poll';

export type Principal = {
  readonly appId: string;
  readonly oid: string;
  readonly tenantId: string;
  readonly secret?: string;
};

/** A directory beside the stamp's own, with its first administrator. */
export type Directory = {
  readonly tenantId: string;
  readonly domains: readonly string[];
  readonly administrator: string;
  readonly password: string;
};

export type Administration = { readonly endpoint: string; readonly subscriptionId: string };

export type Stamp = {
  readonly number: number;
  readonly isEnforcing: boolean;
  readonly longRunning: LongRunning;
  readonly endpoints: { readonly management: string; readonly login: string };
  readonly zone: string;
  /** The authority's certificate, as PEM. */
  readonly ca: string;
  readonly caFile: string;
  readonly tenantId: string;
  readonly subscriptionId: string;
  readonly location: string;
  readonly user: string;
  readonly password: string;
  /** A hosts file by which a client finds the endpoints. */
  readonly hosts: string;
  readonly principal: (
    name: string,
    more?: { readonly role?: string; readonly certificateFile?: string; readonly scope?: string },
  ) => Promise<Principal>;
  readonly directory: (name: string) => Promise<Directory>;
  /** The operator's plane: its endpoint, and the subscription that is administered there. */
  readonly administration: () => Promise<Administration>;
  readonly down: () => Promise<void>;
};

export type StampWish = {
  readonly isModel: boolean;
  readonly longRunning: LongRunning;
  /** What becomes of writes that open management ports, as az's own defaults do. */
  readonly managementPorts: 'deny' | 'audit';
  readonly say: (line: string) => void;
};

type Up = {
  readonly enforcing: boolean;
  readonly endpoints: { readonly management: string; readonly adfs: string; readonly portal: string };
  readonly ca: string;
  readonly tenantId: string;
  readonly subscriptionId: string;
  readonly location: string;
  readonly login: { readonly user: string; readonly passwordFile: string };
};

const numberFirst = 30;
const numberLast = 63;
const upMinutesMax = 6;

/** Brings a stamp up; when that fails, what came up of it is taken down before the failure is told. */
export async function bringUpStamp({ isModel, longRunning, managementPorts, say }: StampWish): Promise<Stamp> {
  const number = freeNumber();
  const folder = mkdtempSync(join(tmpdir(), 'ringwall-peers-stamp-'));
  // The stamp's own users pass through it to what is theirs.
  chmodSync(folder, 0o711);
  const settings = join(folder, 'ringwall.yaml');
  writeFileSync(settings, `longRunning: ${longRunning}\nmanagementPorts: ${managementPorts}\n`);
  try {
    const stamp = await bringUp({ number, folder, settings, longRunning, flags: isModel ? ['--model'] : [] });
    say(
      `Stamp ${number} is up: ${stamp.isEnforcing ? 'the kernel enforces' : 'a model, nothing is enforced'}, longRunning ${longRunning}.`,
    );
    return stamp;
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
}

type Place = {
  readonly number: number;
  readonly folder: string;
  readonly settings: string;
  readonly longRunning: LongRunning;
  readonly flags: readonly string[];
};

/** By the command line, as an operator would. */
async function bringUp({ number, folder, settings, longRunning, flags }: Place): Promise<Stamp> {
  const own = ['--stamp', String(number), '--state', join(folder, 'state'), '--json'];
  const down = async (): Promise<void> => {
    await ringwall(['down', '--purge', ...own]);
    rmSync(folder, { recursive: true, force: true });
  };
  const principal: Stamp['principal'] = async (name, { role = 'Owner', certificateFile, scope } = {}) => {
    const certificate = certificateFile === undefined ? [] : ['--certificate', certificateFile];
    const at = scope === undefined ? [] : ['--scope', scope];
    return (await ringwall(['principal', name, '--role', role, ...at, ...certificate, ...own])) as Principal;
  };
  try {
    const up = (await ringwall(['up', ...own, '--detach', '--settings', settings, ...flags])) as Up;
    const directory: Stamp['directory'] = async (name) =>
      (await ringwall(['directory', 'add', name, ...own])) as Directory;
    const administration: Stamp['administration'] = async () => {
      const { endpoints, providerSubscriptionId } = (await ringwall(['status', ...own])) as Status;
      return { endpoint: endpoints.adminManagement, subscriptionId: providerSubscriptionId };
    };
    return { ...stampOf(up, number), longRunning, principal, directory, administration, down };
  } catch (error) {
    await down().catch(() => undefined);
    throw error;
  }
}

type Status = { readonly endpoints: { readonly adminManagement: string }; readonly providerSubscriptionId: string };
type Later = 'longRunning' | 'principal' | 'directory' | 'administration' | 'down';

function stampOf(up: Up, number: number): Omit<Stamp, Later> {
  const first = JSON.parse(readFileSync(up.login.passwordFile, 'utf8')) as { password: string };
  const { management, adfs, portal } = up.endpoints;
  return {
    number,
    isEnforcing: up.enforcing,
    endpoints: { management, login: `${adfs}/adfs` },
    zone: new URL(portal).hostname.replace(/^portal\./, ''),
    ca: readFileSync(up.ca, 'utf8'),
    caFile: up.ca,
    tenantId: up.tenantId,
    subscriptionId: up.subscriptionId,
    location: up.location,
    user: up.login.user,
    password: first.password,
    hosts: readFileSync('/etc/hosts', 'utf8'),
  };
}

/** Runs the launcher with `--json` and answers the object of its last line. */
async function ringwall(argv: readonly string[]): Promise<unknown> {
  const ended = await runProgram([join(root, 'ringwall'), ...argv], { cwd: '/', timeoutMs: upMinutesMax * 60_000 });
  const last = ended.stdout.trimEnd().split('\n').at(-1) ?? '';
  if (ended.code !== 0) {
    throw new Fault(
      'PeersStampFailed',
      `ringwall ${argv[0]} ended with ${ended.code}: ${(ended.stderr || last).trim().slice(-2000)}`,
    );
  }
  return JSON.parse(last) as unknown;
}

/** A number that no stamp of this machine uses. It starts at a place by process, so that two runs rarely want the same. */
function freeNumber(): number {
  const count = numberLast - numberFirst + 1;
  const hosts = readFileSync('/etc/hosts', 'utf8');
  const spaces = existsSync('/run/netns') ? readdirSync('/run/netns') : [];
  for (let step = 0; step < count; step += 1) {
    const number = numberFirst + ((process.pid + step) % count);
    const isTaken =
      existsSync(`/run/ringwall/${number}`) ||
      spaces.some((name) => name.startsWith(`rw${number}-`)) ||
      hosts.includes(`# ringwall ${number} begin`);
    if (!isTaken) return number;
  }
  throw new Fault('PeersNoNumber', `all stamp numbers from ${numberFirst} to ${numberLast} are in use`);
}

/** The address of a name in a hosts file. */
export function addressIn(hosts: string, name: string): string | undefined {
  for (const line of hosts.split('\n')) {
    const [address, ...names] = line.replace(/#.*/, '').trim().split(/\s+/);
    if (names.includes(name)) return address;
  }
  return undefined;
}
