/** Sandbox guests on a real kernel: two guests from the lab image, what they can do, what they cannot, and that nothing is left of them. */

import { deepEqual, equal, match, ok, rejects } from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { groupFiles, removeParentGroups } from '#adapters/guest/cgroup.ts';
import { sandboxDriver } from '#adapters/guest/sandbox.ts';
import { Fault, Refusal } from '#base/wrong.ts';
import type { GuestDriver, GuestSpec } from '#engine/guest-port.ts';
import { hashPassword } from '#model/compute/password-hash.ts';

const needsRoot = process.getuid?.() === 0 ? false : 'needs root';
/** Images are kept between runs when the caller names a place for them. */
const images = process.env['RINGWALL_IMAGES'];
const state = needsRoot === false ? mkdtempSync(join(tmpdir(), 'ringwall-guest-')) : '';
const tag = `t${process.pid % 100_000}`;
const groups = `ringwall-${tag}`;
const [bridge, keys] = [`rwb${tag}`.slice(0, 15), [`${tag}a`, `${tag}b`] as const];
const uidFirst = 1_500_000_000 + (process.pid % 1000) * 200_000;
const password = 'Correct-Horse-7';
const identity = join(state, 'identity');

let driver: GuestDriver;

const open = (): GuestDriver =>
  sandboxDriver({ state, number: 63, groups, ...(images === undefined ? {} : { images }) });

const specOf = (index: 0 | 1): GuestSpec => ({
  id: `/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/${keys[index]}`,
  key: keys[index],
  hostname: `web-${index}`,
  image: { kind: 'lab' },
  uidFirst: uidFirst + index * 65_536,
  cpuCount: 1,
  memoryMiB: 128,
  adminUsername: 'azureuser',
  sshPublicKeys: [readFileSync(`${identity}.pub`, 'utf8').trim()],
  adminPasswordHash: hashPassword(password, 'seventeen'),
  customData: Buffer.from('#!/bin/sh\necho "once as $(id -u)" >> /var/lib/ringwall/marks\n').toString('base64'),
  nics: [
    {
      name: 'eth0',
      mac: `02:00:5e:00:00:1${index}`,
      mtu: 1450,
      addresses: [
        { address: `10.77.0.${4 + index}`, gateway: '10.77.0.1', prefixLength: 24 },
        { address: `fd77::${4 + index}`, gateway: 'fe80::1', prefixLength: 64 },
      ],
    },
  ],
  resolver: '168.63.129.16',
});

/** The data plane's part, done by hand: a port whose host side answers for the gateway, all inside a namespace of the test. */
function plug(index: 0 | 1, pid: number): void {
  const port = `${bridge.slice(0, 12)}p${index}`;
  ip('-n', bridge, 'link', 'add', port, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', `${pid}`);
  ip('-n', bridge, 'link', 'set', port, 'up');
  ip('-n', bridge, 'addr', 'add', '10.77.0.1/32', 'dev', port);
  ip('-n', bridge, '-6', 'addr', 'add', 'fe80::1/64', 'dev', port, 'nodad');
  ip('-n', bridge, 'route', 'add', `10.77.0.${4 + index}/32`, 'dev', port);
  ip('-n', bridge, '-6', 'route', 'add', `fd77::${4 + index}/128`, 'dev', port);
}

const ip = (...argv: string[]): string => execFileSync('ip', argv, { encoding: 'utf8' });
const inRouter = (...argv: string[]): string =>
  execFileSync('ip', ['netns', 'exec', bridge, ...argv], { encoding: 'utf8', timeout: 10_000 });
const sh = (key: string, text: string) => driver.exec(key, ['sh', '-c', text]);

before(async () => {
  if (needsRoot !== false) return;
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', identity]);
  ip('netns', 'add', bridge);
  ip('netns', 'exec', bridge, 'sysctl', '-qw', 'net.ipv4.ip_forward=1', 'net.ipv6.conf.all.forwarding=1');
  driver = open();
  for (const index of [0, 1] as const) {
    const began = performance.now();
    const { pid } = await driver.start(specOf(index));
    const started = performance.now();
    plug(index, pid);
    await driver.ready(keys[index]);
    console.log(
      `guest ${index}: start ${Math.round(started - began)} ms, ready ${Math.round(performance.now() - began)} ms`,
    );
  }
});

after(async () => {
  if (needsRoot !== false) return;
  for (const key of keys) await driver.remove(key);
  await driver.close();
  await removeParentGroups(groups);
  ip('netns', 'del', bridge);
  rmSync(state, { recursive: true, force: true });
});

const options = { skip: needsRoot } as const;

test('[D4.7] a guest runs in its own uid range, sees its own processes and no host path', options, async () => {
  for (const { pid, key } of await driver.list()) {
    const index = keys.indexOf(key as (typeof keys)[number]);
    match(readFileSync(`/proc/${pid}/status`, 'utf8'), new RegExp(`^Uid:\\t${uidFirst + index * 65_536}\\t`, 'm'));
    equal(
      readFileSync(`/proc/${pid}/uid_map`, 'utf8').trim().split(/\s+/).join(' '),
      `0 ${uidFirst + index * 65_536} 65536`,
    );
    match(readFileSync(`/proc/${pid}/status`, 'utf8'), /NoNewPrivs:\t1\nSeccomp:\t2/);
    const rss = Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
    console.log(`${key}: init ${rss} kB resident`);
    ok(rss < 8192);
  }
  const { stdout } = await sh(
    keys[0],
    'ls /; ls /proc | grep -c "^[0-9]"; hostname; cat /proc/1/environ | tr "\\0" "\\n"',
  );
  equal(stdout.includes('home'), true);
  equal(/work|lib\/ringwall\/guests/.test(stdout), false);
  match(stdout, /web-0/);
});

// What a guest's root tries, and a word of the answer.
const refused: [string, string][] = [
  ['unshare -U true', 'Operation not permitted'],
  ['unshare -Ur true', 'Operation not permitted'],
  ['arping -c 1 10.77.0.1', 'not supported'],
  ['mount -t tmpfs x /mnt', 'Operation not permitted|permission denied'],
  ['umount /proc/sys', 'Operation not permitted'],
  ['mknod /tmp/disk b 254 0', 'Operation not permitted'],
  ['echo 1 > /proc/sys/kernel/panic', 'Read-only|nonexistent|can.t create|Permission'],
  ['insmod /etc/passwd', 'Operation not permitted|can.t insert'],
  ['dmesg', 'Operation not permitted'],
  ['date -s 2001-01-01; exit 1', 'Operation not permitted|can.t set'],
  ['chroot /proc/1/root true && cat /dev/mem', 'No such file|can.t open'],
  ['kill -9 2147483000', 'No such process'],
];

test('[D4.7] what a guest must not do is refused to its root, also when it comes in by exec', options, async () => {
  for (const [text, words] of refused) {
    const { code, stderr, stdout } = await sh(keys[0], text);
    equal(code === 0, false, `${text} was let through: ${stdout}`);
    match(stderr, new RegExp(words), text);
  }
  equal((await sh(keys[0], 'wc -c < /proc/kallsyms')).stdout.trim(), '0');
});

test('a guest has its own network stack and answers over HTTP in both families', options, async () => {
  for (const index of [0, 1] as const) {
    equal(inRouter('curl', '-sS', '--max-time', '5', `http://10.77.0.${4 + index}/`).trim(), `web-${index}`);
    match(
      inRouter('curl', '-sS', '--max-time', '5', `http://[fd77::${4 + index}]/whoami`),
      new RegExp(`web-${index}\n10.77.0.${4 + index}/32`),
    );
  }
  const across = await sh(keys[0], 'wget -qO- http://10.77.0.5/cgi-bin/whoami');
  deepEqual(across.stdout, 'hostname=web-1\nclient=10.77.0.4\n');
  equal((await sh(keys[0], 'ip -o link | wc -l')).stdout.trim(), '2');
});

/** Logs in from the router's namespace; the password goes by a helper program, as ssh wants it without a terminal. */
function login(user: string, secret: string | undefined): { readonly status: number | null; readonly stdout: string } {
  const askpass = join(state, 'askpass');
  writeFileSync(askpass, '#!/bin/sh\necho "$SECRET"\n', { mode: 0o700 });
  const how = secret === undefined ? ['-i', identity] : ['-o', 'PubkeyAuthentication=no'];
  const known = [
    '-o',
    'StrictHostKeyChecking=no',
    '-o',
    'UserKnownHostsFile=/dev/null',
    '-o',
    'NumberOfPasswordPrompts=1',
  ];
  const argv = [
    'netns',
    'exec',
    bridge,
    'ssh',
    '-F',
    '/dev/null',
    ...known,
    ...how,
    `${user}@10.77.0.4`,
    'id -u; tty || true',
  ];
  const env = { PATH: process.env['PATH'], SECRET: secret ?? '', SSH_ASKPASS: askpass, SSH_ASKPASS_REQUIRE: 'force' };
  return spawnSync('ip', argv, { encoding: 'utf8', env, timeout: 20_000 });
}

test('sshd takes the key and the password of the administrator and nothing else', options, async () => {
  match(login('azureuser', undefined).stdout, /^1000\n/);
  match(login('azureuser', password).stdout, /^1000\n/);
  equal(login('azureuser', 'Wrong-Horse-7').status, 255);
  equal(login('root', password).status, 255);
  equal((await sh(keys[0], 'stat -c "%u %a" /home/azureuser/.ssh/authorized_keys')).stdout.trim(), '1000 600');
});

test('a guest loads a firewall of its own, which its neighbour does not feel', options, async () => {
  const rule = 'nft add rule inet guest input tcp dport 80 drop';
  equal((await sh(keys[1], rule)).code, 0);
  equal(spawnSync('ip', ['netns', 'exec', bridge, 'curl', '-sS', '--max-time', '1', 'http://10.77.0.5/']).status, 28);
  equal(inRouter('curl', '-sS', '--max-time', '5', 'http://10.77.0.4/').trim(), 'web-0');
  equal((await sh(keys[1], 'nft -f /etc/nftables.conf')).code, 0);
  equal(inRouter('curl', '-sS', '--max-time', '5', 'http://10.77.0.5/').trim(), 'web-1');
});

test('memory and processes are limited where the host has the controllers', options, async () => {
  const files = groupFiles(groups, keys[0]);
  ok(files.length > 0);
  const { pid } = (await driver.list()).find(({ key }) => key === keys[0]) as { pid: number };
  for (const file of files) match(readFileSync(file, 'utf8'), new RegExp(`^${pid}$`, 'm'));
  const limit = files
    .map((file) => ['memory.max', 'memory.limit_in_bytes'].map((name) => join(file, '..', name)))
    .flat()
    .find((file) => existsSync(file));
  equal(readFileSync(limit as string, 'utf8').trim(), `${128 * 1024 * 1024}`);
  const hog = await sh(keys[0], 'dd if=/dev/zero of=/dev/null bs=300M count=1');
  equal(hog.code === 0, false);
  equal((await sh(keys[0], 'echo alive')).stdout, 'alive\n');
});

test('a driver that died finds its guests again', options, async () => {
  const seen = await driver.list();
  await driver.close();
  driver = open();
  deepEqual(await driver.list(), seen);
  await driver.ready(keys[0]);
  equal((await driver.start(specOf(0))).pid, seen.find(({ key }) => key === keys[0])?.pid);
  equal((await driver.exec(keys[0], ['cat'], { stdin: 'zwölf' })).stdout, 'zwölf');
});

test(
  'a guest outlives the kill of its driver, and the next driver holds it and reads its console',
  options,
  async () => {
    const third = { ...specOf(1), key: `${tag}c`, uidFirst: uidFirst + 131_072, nics: [] };
    const code = `
    const { sandboxDriver } = await import('#adapters/guest/sandbox.ts');
    const driver = sandboxDriver(JSON.parse(process.env.OPTIONS));
    await driver.start(JSON.parse(process.env.SPEC));
    await driver.ready(JSON.parse(process.env.SPEC).key);
    console.log('up');
    setInterval(() => undefined, 1000);`;
    const place = { state, number: 63, groups, ...(images === undefined ? {} : { images }) };
    const env = { ...process.env, OPTIONS: JSON.stringify(place), SPEC: JSON.stringify(third) };
    const child = spawn(process.execPath, ['--input-type=module', '-e', code], {
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [word] = (await once(child.stdout, 'data')) as [Buffer];
    equal(word.toString(), 'up\n');
    child.kill('SIGKILL');
    await once(child, 'exit');
    const next = sandboxDriver(place);
    equal((await next.list()).find(({ key }) => key === third.key)?.state, 'running');
    await next.ready(third.key);
    equal((await next.exec(third.key, ['sh', '-c', 'echo still here > /dev/console; hostname'])).stdout, 'web-1\n');
    await sleep(50);
    match(await next.console(third.key), /still here/);
    await next.remove(third.key);
    await next.close();
  },
);

test('exec is bounded in time and refuses what is no command', options, async () => {
  await rejects(driver.exec(keys[0], ['sleep', '20'], { timeoutMs: 300 }), Fault);
  equal((await sh(keys[0], 'ps | grep -c "sleep [2]0$"')).stdout.trim(), '0');
  await rejects(driver.exec(keys[0], []), Refusal);
  await rejects(driver.exec('../etc', ['id']), Refusal);
  await rejects(driver.exec('nosuch', ['id']), Fault);
});

test('an extension runs its script inside the guest and an unknown one is refused', options, async () => {
  const custom = { publisher: 'Microsoft.Azure.Extensions', type: 'CustomScript' };
  deepEqual(
    await driver.runExtension(keys[0], { ...custom, settings: { commandToExecute: 'echo from $(hostname); exit 3' } }),
    {
      code: 3,
      stdout: 'from web-0\n',
      stderr: '',
    },
  );
  const script = Buffer.from('#!/bin/sh\ncat\necho last').toString('base64');
  equal((await driver.runExtension(keys[0], { ...custom, settings: { script } })).stdout, 'last\n');
  await rejects(driver.runExtension(keys[0], { publisher: 'Contoso', type: 'Agent', settings: {} }), Refusal);
});

test('stop and start keep the root, custom data runs once, remove leaves nothing', options, async () => {
  await driver.stop(keys[0]);
  equal((await driver.list()).find(({ key }) => key === keys[0])?.state, 'stopped');
  deepEqual(groupFiles(groups, keys[0]), []);
  const { pid } = await driver.start(specOf(0));
  ip('netns', 'exec', bridge, 'true');
  plug(0, pid);
  await driver.ready(keys[0]);
  equal((await sh(keys[0], 'cat /var/lib/ringwall/marks')).stdout, 'once as 0\n');
  match(await driver.console(keys[0]), /ringwall: custom data ended with 0/);
  await rejects(
    driver
      .start({ ...specOf(0), uidFirst: uidFirst + 1_000_000 })
      .then(() => driver.start({ ...specOf(0), key: 'UPPER' })),
    Refusal,
  );
  const pids = (await driver.list()).map((guest) => guest.pid);
  for (const key of keys) await driver.remove(key);
  deepEqual(await driver.list(), []);
  for (const gone of pids) equal(existsSync(`/proc/${gone}`), false);
  deepEqual(readdirSync(join(state, 'machines')), []);
  for (const key of keys) deepEqual(groupFiles(groups, key), []);
  equal(readFileSync('/proc/self/mountinfo', 'utf8').includes(state), false);
  equal(spawnSync('pgrep', ['-U', `${uidFirst},${uidFirst + 65_536}`]).stdout.toString(), '');
});
