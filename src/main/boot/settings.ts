/** The settings of a stamp: `ringwall.yaml` and the command line, validated, with every key documented. */

import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parse as parseYaml } from 'yaml';
import { Refusal } from '#base/wrong.ts';
import { isObject } from '#base/json.ts';
import type { StampFacts } from '#model/resource.ts';

/** How a write that outlives its request is offered to pollers (ARM RPC v1.0 asynchronous operations). */
export type LongRunning = 'auto' | 'async' | 'location' | 'poll';

export type Settings = {
  /** 0–63: two stamps on one host differ by it (names, addresses, uids). */
  readonly number: number;
  readonly profile: 'lab' | 'host';
  readonly connectivity: 'connected' | 'disconnected';
  readonly location: string;
  readonly zone: string;
  readonly state: string;
  readonly hosts: readonly string[];
  /** Hosts that other machines carry: modelled and proved here, rendered there. */
  readonly remoteHosts: readonly string[];
  /** `auto`: at once when the kernel holds it in time, else as an operation. The others make every write an operation, for tests of clients. */
  readonly longRunning: LongRunning;
  /** What a write is told that opens a management port to the internet; `audit` in the profile `lab` alone. */
  readonly managementPorts: 'deny' | 'audit';
  /** Are canaries sent through the data plane while the stamp runs? */
  readonly canaries: 'on' | 'off';
};

/** The keys of `ringwall.yaml` and what each takes; docs/settings.md says the same, and a test holds it to that. */
export const keysKnown: Readonly<Record<string, string>> = {
  profile: 'lab or host',
  connectivity: 'connected or disconnected',
  location: 'the region name, letters and digits',
  zone: 'the DNS zone of the stamp',
  hosts: 'how many hosts the stamp has, 1 to 2',
  remoteHosts: 'how many hosts other machines carry, 0 to 6',
  longRunning: 'auto, async, location or poll',
  managementPorts: 'deny, or in the profile lab audit',
  canaries: 'on or off',
};

/** Reads the file (when there is one) and lays the command line over it. Unknown keys and bad values are refused by name. */
export function readSettings(options: {
  readonly number: number;
  readonly state?: string;
  readonly file?: string;
}): Settings {
  const { number } = options;
  if (!Number.isInteger(number) || number < 0 || number > 63) {
    throw refused('--stamp', 'a whole number from 0 to 63', String(number));
  }
  const file = readFile(options.file);
  const profile = oneOf(file, 'profile', ['lab', 'host']);
  return {
    number,
    profile,
    managementPorts: managementOf(file, profile),
    connectivity: oneOf(file, 'connectivity', ['disconnected', 'connected']),
    location: matching(file, 'location', { pattern: /^[a-z][a-z0-9]{0,30}$/, absent: 'local' }),
    zone: matching(file, 'zone', {
      pattern: /^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}$/,
      absent: `local${number === 0 ? '' : number}.ringwall.internal`,
    }),
    state: resolve(options.state ?? (number === 0 ? '/var/lib/ringwall' : `/var/lib/ringwall-${number}`)),
    ...hostsOf(file),
    longRunning: oneOf(file, 'longRunning', ['auto', 'async', 'location', 'poll']),
    canaries: oneOf(file, 'canaries', ['on', 'off']),
  };
}

/** What the core needs to know of the settings. */
export function stampFacts(
  settings: Settings,
  more: { readonly tenantId: string; readonly enforcing: boolean },
): StampFacts {
  const { number } = settings;
  return {
    number,
    location: settings.location,
    zone: settings.zone,
    hosts: [...settings.hosts, ...settings.remoteHosts],
    remoteHosts: settings.remoteHosts,
    publicPools: [`198.18.${number}.0/24`, `2001:db8:${number.toString(16)}::/64`],
    publicReserved: 32,
    profile: settings.profile,
    ...more,
  };
}

type File = { readonly [key: string]: unknown };

function readFile(path: string | undefined): File {
  if (path === undefined) return {};
  if (!existsSync(path)) throw new Refusal('SettingsMissing', `There is no settings file ${path}.`, { target: path });
  const text = readFileSync(path, 'utf8');
  const file = parsed(text, path);
  for (const key of Object.keys(file)) {
    if (!Object.hasOwn(keysKnown, key)) {
      const known = Object.entries(keysKnown).map(([name, says]) => `${name} (${says})`);
      throw new Refusal('SettingsUnknownKey', `${path} has the unknown key "${key}". Known: ${known.join('; ')}.`, {
        target: key,
      });
    }
  }
  return file;
}

function parsed(text: string, path: string): File {
  let value: unknown;
  try {
    value = parseYaml(text, { maxAliasCount: 10 }) as unknown;
  } catch (error) {
    const says = error instanceof Error ? error.message : 'not YAML';
    throw new Refusal('SettingsMalformed', `Cannot read ${path}: ${says}`, { target: path });
  }
  if (value === null) return {};
  if (!isObject(value)) throw new Refusal('SettingsMalformed', `${path} must hold keys and values.`, { target: path });
  return value;
}

function oneOf<const T extends string>(file: File, key: string, choices: readonly [T, ...T[]]): T {
  const value = file[key] ?? choices[0];
  const found = choices.find((choice) => choice === value);
  if (found === undefined) throw refused(key, choices.join(' or '), String(value));
  return found;
}

function matching(file: File, key: string, wanted: { readonly pattern: RegExp; readonly absent: string }): string {
  const value = file[key] ?? wanted.absent;
  if (typeof value !== 'string' || !wanted.pattern.test(value)) throw refused(key, keysKnown[key] ?? '', String(value));
  return value;
}

function hostsOf(file: File): Pick<Settings, 'hosts' | 'remoteHosts'> {
  const count = file['hosts'] ?? 2;
  if (count !== 1 && count !== 2) throw refused('hosts', '1 or 2', String(count));
  const remote = file['remoteHosts'] ?? 0;
  if (typeof remote !== 'number' || !Number.isInteger(remote) || remote < 0 || remote > 6)
    throw refused('remoteHosts', '0 to 6', String(remote));
  const named = (from: number, length: number) => Array.from({ length }, (_, index) => `h${from + index + 1}`);
  return { hosts: named(0, count), remoteHosts: named(count, remote) };
}

/** Outside a lab nobody opens management ports to the internet by a setting. */
function managementOf(file: File, profile: Settings['profile']): Settings['managementPorts'] {
  const effect = oneOf(file, 'managementPorts', ['deny', 'audit']);
  if (effect === 'audit' && profile !== 'lab') throw refused('managementPorts', 'deny outside the profile lab', effect);
  return effect;
}

function refused(key: string, wanted: string, got: string): Refusal {
  return new Refusal('SettingsInvalid', `${key}: ${wanted} is wanted; "${got.slice(0, 100)}" was given.`, {
    target: key,
  });
}
