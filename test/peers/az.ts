/** Runs Debian's unmodified az in its chroot: own names, own configuration, no way to the internet's resolver, nothing kept. */

import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Chroot } from '#test/peers/chroot.ts';
import { runProgram, type Ended } from '#test/peers/child.ts';
import {
  differences,
  filled,
  filledShape,
  valueAt,
  words,
  type Attempted,
  type Row,
  type Shape,
} from '#test/peers/row.ts';
import type { AzContext } from '#test/peers/context.ts';

export type Az = {
  readonly release: Chroot['release'];
  readonly version: string;
  /** Runs `az …` under the configuration of this name; `hear` gets its lines as they come. */
  readonly run: (argv: readonly string[], options: AzRun) => Promise<Ended>;
  /** Lets a configuration start as a copy of another: signed in, cloud chosen. */
  readonly copyConfiguration: (from: string, to: string) => void;
  /** Puts a file where az sees it, and answers that place. */
  readonly putFile: (name: string, text: string) => string;
  readonly close: () => void;
};

export type AzRun = {
  readonly configuration: string;
  readonly hear?: (line: string) => void;
  readonly environment?: readonly string[];
};

export type AzOptions = { readonly chroot: Chroot; readonly hosts: string; readonly ca: string };

const commandSecondsMax = 240;
const mountPoint = '/mnt';

// The script is fixed; what varies comes as arguments. The chroot is read-only to az, so that the cache stays as Debian made it.
const script = `set -e
directory=$1 work=$2
shift 2
mount --bind "$directory" "$directory"
mount -o remount,bind,ro "$directory"
mount -t proc proc "$directory/proc"
mount --bind /dev "$directory/dev"
mount -t tmpfs tmpfs "$directory/tmp"
mount --bind "$work" "$directory${mountPoint}"
mount --bind "$work/hosts" "$directory/etc/hosts"
mount --bind "$work/resolv.conf" "$directory/etc/resolv.conf"
exec chroot "$directory" "$@"`;

/** Makes an az with its own files. `close` removes them. */
export function openAz({ chroot, hosts, ca }: AzOptions): Az {
  const work = mkdtempSync(join(tmpdir(), 'ringwall-peers-'));
  writeFileSync(join(work, 'hosts'), hosts);
  writeFileSync(join(work, 'resolv.conf'), '');
  writeFileSync(join(work, 'ca.pem'), ca);
  mkdirSync(join(work, 'configuration'));
  const configuration = (name: string): string => join(work, 'configuration', name);
  const namespaces = ['unshare', '--mount', '--propagation', 'private', '--pid', '--fork', '--kill-child'];
  return {
    release: chroot.release,
    version: chroot.version,
    run: async (argv, { configuration: name, hear, environment = [] }) => {
      mkdirSync(configuration(name), { recursive: true });
      const settings = [
        'PATH=/usr/bin:/bin',
        `HOME=${mountPoint}`,
        'LC_ALL=C.UTF-8',
        `AZURE_CONFIG_DIR=${mountPoint}/configuration/${name}`,
        `REQUESTS_CA_BUNDLE=${mountPoint}/ca.pem`,
        'AZURE_CORE_COLLECT_TELEMETRY=false',
        'AZURE_CORE_NO_COLOR=true',
        ...environment,
      ];
      const within = [
        'sh',
        '-c',
        script,
        'sh',
        chroot.directory,
        work,
        '/usr/bin/env',
        '-i',
        ...settings,
        'az',
        ...argv,
      ];
      return await runProgram([...namespaces, ...within], { timeoutMs: commandSecondsMax * 1000, hear });
    },
    copyConfiguration: (from, to) => cpSync(configuration(from), configuration(to), { recursive: true }),
    putFile: (name, text) => {
      writeFileSync(join(work, name), text);
      return `${mountPoint}/${name}`;
    },
    close: () => rmSync(work, { recursive: true, force: true }),
  };
}

export type AzWanted = {
  /** What its JSON must show. */
  readonly shows?: Shape;
  /** What must be on its standard error. */
  readonly says?: readonly RegExp[];
  /** Refused: az ends with a code other than 0, and says why. */
  readonly isRefused?: boolean;
  /** Values of the answer that later commands use. */
  readonly keeps?: { readonly [name: string]: string };
  readonly secondsMax?: number;
};

// A poll that is not told when to come back takes 30 s (arm facts, finding 4): a row that takes this long has met one.
const secondsMax = 29;

/** A command that must work, and what its answer must show. */
export function az(
  command: string,
  shows: Shape = {},
  more: Omit<AzWanted, 'shows' | 'isRefused'> = {},
): Row<AzContext> {
  return azRow(command, { shows, ...more });
}

/** A command that must be refused, with a message a person can act on. */
export function refused(command: string, ...says: readonly RegExp[]): Row<AzContext> {
  return azRow(command, { says, isRefused: true });
}

function azRow(command: string, wanted: AzWanted): Row<AzContext> {
  return {
    name: `${wanted.isRefused === true ? 'refused: ' : ''}az ${command}`,
    secondsMax: wanted.secondsMax ?? secondsMax,
    attempt: async (context) => {
      const argv = words(command).map((word) => filled(word, context.notebook));
      const ended = await context.az.run(argv, { configuration: context.configuration });
      return judge(ended, wanted, context.notebook);
    },
  };
}

/** What is wrong with how a command ended. */
export function judge(ended: Ended, wanted: AzWanted, notebook: Map<string, string>): Attempted {
  const problems: string[] = [];
  const { code, stdout, stderr } = ended;
  if (ended.isTooLate) problems.push(`it did not end within ${commandSecondsMax} s`);
  if (wanted.isRefused === true && code === 0) problems.push('it was not refused');
  if (wanted.isRefused !== true && code !== 0) problems.push(`az ended with ${code}`);
  if (/^Traceback|unexpected error|AttributeError|KeyError/m.test(stderr))
    problems.push('az met an answer that it does not understand');
  for (const pattern of wanted.says ?? []) if (!pattern.test(stderr)) problems.push(`az does not say ${pattern}`);
  if (problems.length === 0 && wanted.isRefused !== true) {
    const answer = parsed(stdout);
    problems.push(...differences(answer, filledShape(wanted.shows ?? {}, notebook)));
    for (const [name, place] of Object.entries(wanted.keeps ?? {})) {
      const value = valueAt(answer, place);
      if (typeof value === 'string') notebook.set(name, value);
      else problems.push(`${place} is no text to keep`);
    }
  }
  return { problems, output: `${stdout.slice(0, 1500)}${quiet(stderr)}` };
}

function parsed(text: string): unknown {
  if (text.trim() === '') return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

/** What Debian's packaging says at every start tells nothing about the row. */
function quiet(stderr: string): string {
  const noise = /FutureWarning|^\s+(if self\.AZ|self\.(preview|group|experimental))|Error loading command module/;
  return stderr
    .split('\n')
    .filter((line) => !noise.test(line))
    .join('\n')
    .slice(-3000);
}
