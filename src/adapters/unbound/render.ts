/** The resolver's program as unbound's configuration (unbound.conf(5)). */

import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { parseFour, parseKey, parseSource, type Records, recordsOf } from '#adapters/unbound/records.ts';
import type { ResolverProgram } from '#program/program.ts';

/** Seconds a guest may keep an answer: a machine that moved is found again soon (Azure's own value). */
const keptS = 10;

/** Questions of one guest in one second; beyond it one in ten is answered. */
const questionsPerSecondMax = 500;

/** Connections that one guest holds at once, and all guests together. */
const connectionsPerGuestMax = 4;
const connectionsMax = 512;

export type UnboundFiles = { readonly configuration: string; readonly control: string };

/** Where the engine's files lie in its folder. */
export function filesIn(folder: string): UnboundFiles {
  return { configuration: join(folder, 'unbound.conf'), control: join(folder, 'control') };
}

export type Rendered = {
  readonly text: string;
  /** What the engine calls itself when it has read this very text; it tells nobody but us. */
  readonly identity: string;
};

/** The whole configuration. */
export function renderUnbound(program: ResolverProgram, folder: string): Rendered {
  const body = [...serverLines(program, folder), ...viewLines(program), ...controlLines(folder)];
  const identity = createHash('sha256').update(body.join('\n')).digest('hex');
  return { text: `${['server:', `  identity: "${identity}"`, ...body].join('\n')}\n`, identity };
}

function serverLines(program: ResolverProgram, folder: string): string[] {
  const clients = Object.entries(program.clients).sort(([left], [right]) => (left < right ? -1 : 1));
  return [
    // No file but its own, no user to become, no log but the pipe that its owner reads (decision D4.7).
    `directory: "${folder}"`,
    'username: ""',
    'chroot: ""',
    'pidfile: ""',
    'logfile: ""',
    'use-syslog: no',
    'do-daemonize: no',
    'verbosity: 0',
    'num-threads: 1',
    'so-reuseport: no',
    `interface: ${parseFour(program.address)}`,
    // The address may come later than the engine.
    'ip-freebind: yes',
    'do-ip6: no',
    'edns-buffer-size: 1232',
    'max-udp-size: 1232',
    'minimal-responses: yes',
    'hide-identity: yes',
    'hide-version: yes',
    'hide-trustanchor: yes',
    // It answers what it is told here and asks nobody, whatever it is asked.
    'module-config: "iterator"',
    'do-not-query-address: 0.0.0.0/0',
    'do-not-query-address: ::0/0',
    'msg-cache-size: 64k',
    'rrset-cache-size: 64k',
    'key-cache-size: 64k',
    'neg-cache-size: 64k',
    'infra-cache-numhosts: 16',
    `ip-ratelimit: ${questionsPerSecondMax}`,
    `incoming-num-tcp: ${connectionsMax}`,
    'tcp-idle-timeout: 5000',
    'access-control: 0.0.0.0/0 refuse',
    ...program.sources.map((prefix) => `access-control: ${parseSource(prefix)} refuse_non_local`),
    ...clients.flatMap(([label, key]) => [
      `access-control-view: ${parseFour(label)}/32 ${parseKey(key)}`,
      `tcp-connection-limit: ${label}/32 ${connectionsPerGuestMax}`,
    ]),
    'local-zone: "." static',
    ...dataLines(recordsOf(program).shared),
  ].map((line) => `  ${line}`);
}

/** One view per VNet: its own names first, and of its own domain no others. */
function viewLines(program: ResolverProgram): string[] {
  return [...recordsOf(program).views]
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .flatMap(([key, records]) => [
      'view:',
      `  name: "${key}"`,
      '  view-first: yes',
      `  local-zone: "${program.domain}." static`,
      ...dataLines(records).map((line) => `  ${line}`),
    ]);
}

function dataLines(records: Records): string[] {
  return [...records].sort().map((record) => {
    const [name = '', type = '', value = ''] = record.split(' ');
    return `local-data: "${name} ${keptS} IN ${type} ${value}"`;
  });
}

/** A socket in its own folder, which no other user can enter. */
function controlLines(folder: string): string[] {
  return [
    'remote-control:',
    '  control-enable: yes',
    '  control-use-cert: no',
    `  control-interface: "${filesIn(folder).control}"`,
  ];
}
