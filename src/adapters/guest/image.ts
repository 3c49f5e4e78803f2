/** Root file systems of guests: a tiny lab image unpacked from Debian packages in seconds, and Debian 12 by debootstrap on demand. */

import { debianMirror } from '#adapters/guest/mirror.ts';
import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  createReadStream,
  cpSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  closeSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { busyboxPath } from '#adapters/guest/init.ts';
import { collect, ended, runAsRange, systemPath } from '#adapters/guest/userns.ts';
import { Fault } from '#base/wrong.ts';
import type { GuestImage } from '#engine/guest-port.ts';

export type ImageOptions = {
  /** `<state>/images`. */
  readonly directory: string;
  /** A uid range of its own, in which debootstrap runs: no maintainer script runs as the host's root. */
  readonly uidFirst: number;
  readonly onProgress?: (line: string) => void;
  /** True refuses instead of downloading. */
  readonly isOffline?: boolean;
  /** Where debootstrap fetches from; packages are checked by Debian's signatures, so plain HTTP will do. */
  readonly mirror?: string;
};

/** An image in the cache: an archive whose bytes were checked against the hash noted when it was built. */
export type Image = { readonly path: string; readonly sha256: string; readonly packages: readonly string[] };

/**
 * The image, from the cache when its bytes are the ones that were built, else built now. Two guests that ask at once share
 * one build; the bytes are checked once per process, since only this process's user can write there.
 */
export async function openImage({ kind }: GuestImage, options: ImageOptions): Promise<Image> {
  const name = notePath(kind, options.directory);
  const pending = opened.get(name);
  if (pending !== undefined) {
    const known = await pending;
    if (existsSync(known.path)) return known;
  }
  const opening = findImage(kind, options);
  opened.set(name, opening);
  opening.catch(() => opened.delete(name));
  return await opening;
}

const opened = new Map<string, Promise<Image>>();

async function findImage(kind: GuestImage['kind'], options: ImageOptions): Promise<Image> {
  const cached = readNote(kind, options.directory);
  if (cached !== undefined && existsSync(cached.path) && (await hashFile(cached.path)) === cached.sha256) return cached;
  if (options.isOffline === true)
    throw new Fault('GuestImageMissing', `The image "${kind}" is not in ${options.directory} and downloads are off.`);
  mkdirSync(options.directory, { recursive: true, mode: 0o700 });
  const work = mkdtempSync(join(options.directory, 'build-'));
  try {
    const archive = join(work, 'image.tar');
    const packages =
      kind === 'lab' ? await buildLab(work, archive, options) : await buildDebian(work, archive, options);
    const sha256 = await hashFile(archive);
    const path = join(options.directory, `${kind}-${sha256.slice(0, 16)}.tar`);
    renameSync(archive, path);
    const image: Image = { path, sha256, packages };
    writeFileSync(notePath(kind, options.directory), JSON.stringify({ recipe, ...image, path: basename(path) }), {
      mode: 0o600,
    });
    return image;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** The lab image's packages: what is asked for, then the libraries they link. */
const labPackages: readonly string[] = [
  ...['busybox-static', 'dropbear-bin', 'nftables', 'netcat-openbsd'],
  ...[
    'libc6',
    'libgcc-s1',
    'libcrypt1',
    'libtomcrypt1',
    'libtommath1',
    'libgmp10',
    'zlib1g',
    'libbsd0',
    'libmd0',
    'libedit2',
  ],
  ...['libtinfo6', 'libnftables1', 'libnftnl11', 'libmnl0', 'libjansson4', 'libxtables12'],
];

/** Raised when the recipe changes, so that an old cache is built again. */
const recipe = 3;

const run = promisify(execFile);

async function buildLab(work: string, archive: string, { onProgress }: ImageOptions): Promise<string[]> {
  const [downloads, root] = [join(work, 'packages'), join(work, 'root')];
  mkdirSync(downloads);
  mkdirSync(root);
  onProgress?.(`lab image: ${labPackages.length} packages`);
  await tool('apt-get', ['-o', 'APT::Sandbox::User=root', '-qq', 'download', ...labPackages], downloads);
  const files = readdirSync(downloads)
    .filter((name) => name.endsWith('.deb'))
    .toSorted();
  for (const name of files) await tool('dpkg-deb', ['-x', join(downloads, name), root], work);
  for (const path of prunedPaths(root)) rmSync(path, { recursive: true, force: true });
  mergeUsr(root);
  await linkApplets(root);
  writeBase(root);
  await tool('tar', [...tarFlags, '--owner=0', '--group=0', '-C', root, '-cf', archive, '.'], work);
  onProgress?.('lab image: built');
  return files;
}

/** Everything debootstrap runs sees the host as nobody does: root of a range that owns nothing outside its own directory. */
async function buildDebian(work: string, archive: string, options: ImageOptions): Promise<string[]> {
  const { uidFirst, onProgress } = options;
  mkdirSync(join(work, 'root'));
  const include = 'openssh-server,nftables,iproute2,iputils-ping,netcat-openbsd,busybox-static,ca-certificates';
  const common = { uidFirst, cwd: work, timeoutMs: 15 * 60_000 };
  try {
    await runAsRange({ ...common, argv: ['chown', '0:0', 'root'] });
    await runAsRange({
      ...common,
      hasOwnProcesses: true,
      argv: ['debootstrap', '--variant=minbase', `--include=${include}`, 'bookworm', 'root', mirrorOf(options)],
      ...(onProgress === undefined ? {} : { onLine: (line: string) => onProgress(`debian-12 image: ${line}`) }),
    });
    // Host keys made while building would be every guest's: each makes its own at first start.
    const keys = ['rsa', 'ecdsa', 'ed25519'].flatMap((kind) => [
      `root/etc/ssh/ssh_host_${kind}_key`,
      `root/etc/ssh/ssh_host_${kind}_key.pub`,
    ]);
    const shared = ['root/var/cache/apt/archives', 'root/debootstrap', 'root/etc/machine-id', ...keys];
    await runAsRange({ ...common, argv: ['rm', '-rf', ...shared] });
    await runAsRange({ ...common, argv: ['mkdir', '-p', `root${dirname(busyboxPath)}`] });
    await runAsRange({ ...common, argv: ['ln', '-sf', '/bin/busybox', `root${busyboxPath}`] });
    const output = openSync(archive, 'wx', 0o600);
    await runAsRange({
      ...common,
      stdout: output,
      argv: ['tar', ...tarFlags, '--exclude=./dev/*', '-C', 'root', '-cf', '-', '.'],
    });
    closeSync(output);
    const release = readFileSync(join(work, 'root/etc/debian_version'), 'utf8').trim();
    return [`debian ${release}`, ...include.split(',')];
  } finally {
    await runAsRange({ ...common, argv: ['rm', '-rf', '--one-file-system', '--', 'root'] });
  }
}

/** The mirror that the host itself trusts for its own packages. */
function mirrorOf(options: ImageOptions): string {
  const mirror = options.mirror ?? debianMirror();
  if (mirror !== undefined) return mirror;
  throw new Fault(
    'MirrorMissing',
    "The host's apt sources name no Debian mirror; add one for its own release, and the image can be built.",
  );
}

/** The same files give the same bytes. */
const tarFlags = ['--sort=name', '--mtime=@0', '--numeric-owner', '--format=gnu'];

/** Documentation, translations and converters: two thirds of the unpacked bytes, nothing a lab guest reads. */
function prunedPaths(root: string): string[] {
  const libraries = readdirSync(join(root, 'usr/lib')).map((name) => join(root, 'usr/lib', name));
  return [
    ...['usr/share', 'usr/lib/systemd', 'lib/systemd', 'etc/init.d', 'etc/default', 'var'].map((path) =>
      join(root, path),
    ),
    ...libraries.flatMap((path) => ['gconv', 'audit'].map((name) => join(path, name))),
  ];
}

/** Debian's merged layout: /bin, /sbin, /lib and /lib64 are links into /usr. */
function mergeUsr(root: string): void {
  for (const name of ['bin', 'sbin', 'lib', 'lib64']) {
    const [from, to] = [join(root, name), join(root, 'usr', name)];
    mkdirSync(to, { recursive: true });
    if (existsSync(from)) cpSync(from, to, { recursive: true, verbatimSymlinks: true });
    rmSync(from, { recursive: true, force: true });
    symlinkSync(`usr/${name}`, from);
  }
}

/** Hard links: unpacking one costs a directory entry, a symbolic link an inode (half a millisecond each on ext4). */
async function linkApplets(root: string): Promise<void> {
  const busybox = join(root, 'usr/bin/busybox');
  mkdirSync(join(root, dirname(busyboxPath)), { recursive: true });
  renameSync(busybox, join(root, busyboxPath));
  const { stdout } = await run(join(root, busyboxPath), ['--list'], { env: {} });
  rmSync(join(root, 'usr/bin/nc'), { force: true });
  if (existsSync(join(root, 'usr/bin/nc.openbsd'))) symlinkSync('nc.openbsd', join(root, 'usr/bin/nc'));
  const taken = new Set(['init', ...readdirSync(join(root, 'usr/bin')), ...readdirSync(join(root, 'usr/sbin'))]);
  for (const applet of new Set([...stdout.trim().split('\n'), 'busybox']))
    if (!taken.has(applet)) linkSync(join(root, busyboxPath), join(root, 'usr/bin', applet));
}

function writeBase(root: string): void {
  for (const name of [
    'dev',
    'proc',
    'sys',
    'run',
    'tmp',
    'mnt',
    'home',
    'etc/dropbear',
    'var/www',
    'var/lib/ringwall',
    'var/log',
  ])
    mkdirSync(join(root, name), { recursive: true });
  mkdirSync(join(root, 'root'), { mode: 0o700 });
  const files: [string, string][] = [
    ['passwd', 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n'],
    ['group', 'root:x:0:\ntty:x:5:\nnogroup:x:65534:\n'],
    ['shadow', 'root:*::0:99999:7:::\nnobody:*::0:99999:7:::\n'],
    ['shells', '/bin/sh\n'],
    ['nsswitch.conf', 'passwd: files\ngroup: files\nshadow: files\nhosts: files dns\n'],
    ['os-release', 'PRETTY_NAME="Ringwall lab guest"\nNAME="Ringwall lab"\nID=ringwall-lab\nID_LIKE=debian\n'],
  ];
  for (const [name, text] of files) writeFileSync(join(root, 'etc', name), text);
  chmodSync(join(root, 'etc/shadow'), 0o600);
  chmodSync(join(root, 'tmp'), 0o1777);
  // The package brings an example policy here; the driver writes the guest's own where none lies.
  rmSync(join(root, 'etc/nftables.conf'), { force: true });
}

async function tool(name: string, argv: readonly string[], cwd: string): Promise<void> {
  const child = spawn(name, argv, { cwd, env: { PATH: systemPath, LC_ALL: 'C' }, stdio: ['ignore', 'ignore', 'pipe'] });
  const said = collect(child.stderr, 4096);
  await ended(child);
  if (child.exitCode !== 0)
    throw new Fault('GuestImageFailed', `${name} ended with ${child.exitCode ?? child.signalCode}: ${said().trim()}`);
}

async function hashFile(path: string): Promise<string> {
  const sum = createHash('sha256');
  await pipeline(createReadStream(path, { highWaterMark: 1024 * 1024 }), sum);
  return sum.digest('hex');
}

const notePath = (kind: string, directory: string): string => join(directory, `${kind}.json`);

/** A note that cannot be read is no note: the image is built again. */
function readNote(kind: string, directory: string): Image | undefined {
  try {
    const note = JSON.parse(readFileSync(notePath(kind, directory), 'utf8')) as Image & { recipe: number };
    return note.recipe === recipe ? { ...note, path: join(directory, basename(note.path)) } : undefined;
  } catch {
    return undefined;
  }
}
