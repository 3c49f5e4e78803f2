/** Debian's own az in a cached chroot: built by debootstrap from the mirror that this machine uses, stamped when complete. */

import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Fault } from '#base/wrong.ts';
import { runProgram } from '#test/peers/child.ts';
import { debianMirror } from '#adapters/guest/mirror.ts';

/** Which az: Debian 13 has 2.74, Debian 12 has 2.45. */
export type Release = 'trixie' | 'bookworm';

export type Chroot = { readonly directory: string; readonly release: Release; readonly version: string };

type Say = (line: string) => void;

const cacheDirectory = process.env['RINGWALL_AZ_CACHE'] ?? '/var/cache/ringwall';
const buildMinutesMax = 40;
const progressEveryMs = 5000;

/** The chroot of a release: from the cache, or built into it. Throws a Fault that says why when it cannot be had. */
export async function azChroot(release: Release, say: Say): Promise<Chroot> {
  const directory = join(cacheDirectory, `az-${release}`);
  if (process.geteuid?.() !== 0) throw new Fault('PeersNeedRoot', 'a chroot needs root');
  const stamped = readStamp(directory);
  if (stamped !== undefined) return { directory, release, version: stamped };
  if (existsSync(join(directory, 'usr/bin/az'))) {
    const version = await azVersion(directory);
    if (version !== undefined) return stamp({ directory, release, version });
    say(`${directory} is incomplete and is built anew.`);
  }
  return await build({ directory, release, say });
}

function stampFile(directory: string): string {
  return join(directory, '.ringwall-az.json');
}

function readStamp(directory: string): string | undefined {
  if (!existsSync(stampFile(directory))) return undefined;
  return (JSON.parse(readFileSync(stampFile(directory), 'utf8')) as { version: string }).version;
}

function stamp(chroot: Chroot): Chroot {
  writeFileSync(
    stampFile(chroot.directory),
    `${JSON.stringify({ release: chroot.release, version: chroot.version })}\n`,
  );
  return chroot;
}

async function build({ directory, release, say }: { directory: string; release: Release; say: Say }): Promise<Chroot> {
  const mirror = debianMirror();
  if (mirror === undefined) throw new Fault('PeersNoMirror', 'this machine has no Debian mirror in its apt sources');
  const draft = `${directory}.draft-${process.pid}`;
  mkdirSync(dirname(directory), { recursive: true });
  removeDrafts(directory);
  say(`Building ${directory}: Debian ${release} with azure-cli, about 2 GB, some minutes.`);
  try {
    await step(['debootstrap', '--variant=minbase', '--include=ca-certificates', release, draft, mirror], say);
    copyHostSettings(draft);
    const inside = (argv: readonly string[]): Promise<void> => step([...enter(draft), ...argv], say);
    await inside(['update-ca-certificates']);
    await inside(['apt-get', '-q', 'update']);
    await inside(['apt-get', '-q', '-y', '-o', 'Dpkg::Use-Pty=0', 'install', '--no-install-recommends', 'azure-cli']);
    await inside(['apt-get', 'clean']);
    const version = await azVersion(draft);
    if (version === undefined) throw new Fault('PeersChrootBroken', `az does not start in ${draft}`);
    stamp({ directory: draft, release, version });
    rmSync(directory, { recursive: true, force: true });
    renameSync(draft, directory);
    return { directory, release, version };
  } catch (error) {
    rmSync(draft, { recursive: true, force: true });
    throw error;
  }
}

/** What a killed run left behind. */
function removeDrafts(directory: string): void {
  const prefix = `${directory.slice(dirname(directory).length + 1)}.draft-`;
  for (const name of readdirSync(dirname(directory))) {
    const pid = name.startsWith(prefix) ? name.slice(prefix.length) : undefined;
    if (pid === undefined || existsSync(`/proc/${pid}`)) continue;
    rmSync(join(dirname(directory), name), { recursive: true, force: true });
  }
}

/** The machine's own way to the mirror (proxies, authorities) works in the chroot as well; services never start there. */
function copyHostSettings(draft: string): void {
  for (const path of ['etc/apt/apt.conf.d', 'usr/local/share/ca-certificates']) {
    if (existsSync(join('/', path))) cpSync(join('/', path), join(draft, path), { recursive: true });
  }
  writeFileSync(join(draft, 'usr/sbin/policy-rc.d'), '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  for (const path of ['etc/resolv.conf', 'etc/hosts']) {
    if (existsSync(join('/', path))) writeFileSync(join(draft, path), readFileSync(join('/', path)));
  }
}

// The script is fixed; whatever varies comes as arguments. The mount namespace ends with the last process in it.
const enterScript = 'mount -t proc proc "$1/proc" && mount --bind /dev "$1/dev" && exec chroot "$@"';

function enter(directory: string): string[] {
  const namespaces = ['unshare', '--mount', '--propagation', 'private', '--pid', '--fork', '--kill-child'];
  const environment = [
    '/usr/bin/env',
    '-u',
    'TMPDIR',
    'DEBIAN_FRONTEND=noninteractive',
    'PATH=/usr/sbin:/usr/bin:/sbin:/bin',
  ];
  return [...namespaces, 'sh', '-c', enterScript, 'sh', directory, ...environment];
}

async function azVersion(directory: string): Promise<string | undefined> {
  const argv = [
    ...enter(directory),
    'AZURE_CONFIG_DIR=/tmp/az-version',
    'AZURE_CORE_COLLECT_TELEMETRY=false',
    'az',
    'version',
  ];
  const ended = await runProgram(argv, { timeoutMs: 120_000 });
  rmSync(join(directory, 'tmp/az-version'), { recursive: true, force: true });
  const found = /"azure-cli":\s*"([\d.]+)"/.exec(ended.stdout);
  return ended.code === 0 ? found?.[1] : undefined;
}

async function step(argv: readonly string[], say: Say): Promise<void> {
  let shownAt = 0;
  const hear = (line: string): void => {
    if (performance.now() - shownAt < progressEveryMs) return;
    shownAt = performance.now();
    say(`  ${line.slice(0, 110)}`);
  };
  const ended = await runProgram(argv, { timeoutMs: buildMinutesMax * 60_000, hear });
  if (ended.code === 0) return;
  const last = `${ended.stdout}\n${ended.stderr}`.trimEnd().split('\n').slice(-3).join(' | ');
  throw new Fault(
    'PeersChrootFailed',
    `${argv.find((word) => /debootstrap|apt-get|update-ca/.test(word)) ?? argv[0]} failed: ${last.slice(0, 600)}`,
  );
}
