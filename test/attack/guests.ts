/** Attacks from inside a guest, with all the rights that its root has, on the host and on the driver of all guests. */

import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Lab, Outcome } from '#test/attack/lab.ts';
import type { Attempt } from '#test/attack/row.ts';

type Row = readonly [name: string, script: string, judge: (outcome: Outcome) => string | undefined];

/** A script that must fail, or whose output must not have the words. */
const fails = ({ code, stdout }: Outcome): string | undefined =>
  code === 0 ? `it went through: ${stdout.slice(0, 300)}` : undefined;
const without =
  (words: RegExp) =>
  ({ stdout, stderr }: Outcome): string | undefined => {
    const found = words.exec(stdout);
    return found === null ? undefined : `seen: ${found[0]} (${stderr.slice(0, 100)})`;
  };

const rows: readonly Row[] = [
  ['new user namespace', 'unshare -Ur true', fails],
  ['new mount namespace and a mount', 'unshare -m sh -c "mount -t tmpfs x /mnt"', fails],
  ['remount of /proc/sys', 'mount -o remount,rw /proc/sys', fails],
  ['a fresh /proc', 'mkdir -p /tmp/p && mount -t proc p /tmp/p', fails],
  ['a fresh /sys', 'mkdir -p /tmp/s && mount -t sysfs s /tmp/s', fails],
  ['the control groups', 'mkdir -p /tmp/c && mount -t cgroup2 c /tmp/c || mount -t cgroup -o memory c /tmp/c', fails],
  ['uncovering a masked file', 'umount /proc/kcore || umount /proc/keys || umount /proc/kallsyms', fails],
  ['a block device', 'mknod /root/d b 254 0 && head -c 1 /root/d', fails],
  ['the memory device', 'mknod /root/m c 1 1 && head -c 1 /root/m', fails],
  ['a module', 'insmod /bin/sh', fails],
  ['core_pattern', 'echo "|/tmp/x" > /proc/sys/kernel/core_pattern', fails],
  ['sysrq', 'echo b > /proc/sysrq-trigger; [ -s /proc/sysrq-trigger ]', fails],
  ['the printk level', 'echo 8 > /proc/sys/kernel/printk', fails],
  ['modprobe path', 'echo /tmp/x > /proc/sys/kernel/modprobe', fails],
  ['vm settings', 'echo 1 > /proc/sys/vm/drop_caches', fails],
  ['binfmt', 'echo ":x:E::x::/bin/sh:" > /proc/sys/fs/binfmt_misc/register', fails],
  ['oom score of init below what it has', 'echo -1000 > /proc/1/oom_score_adj', fails],
  ['the clock', 'date -s 2001-01-01; [ "$(date +%Y)" = 2001 ]', fails],
  ['the kernel log', 'dmesg', fails],
  ['a raw packet socket', 'arping -c 1 -I eth0 10.10.1.1', fails],
  ['real-time priority', 'chrt -f 99 true', fails],
  [
    "the driver's processes",
    'ls /proc | grep -E "^[0-9]+$" | while read p; do tr "\\0" " " < /proc/$p/cmdline; done',
    without(/stampd|guestd|netd|ringd|proofd/),
  ],
  [
    "the host's root by a process's root",
    'ls /proc/1/root/work /proc/1/cwd/run/ringwall /proc/*/root/var/lib/dpkg/info/nftables.list 2>/dev/null',
    without(/./),
  ],
  ['environment of init', 'tr "\\0" "\\n" < /proc/1/environ', without(/SECRET|KEY|TOKEN|NODE_/i)],
  [
    'descriptors of a command that came in',
    'ls -l /proc/self/fd /proc/$$/fd',
    without(/\/(tmp|run|var|work)\/|anon_inode/),
  ],
  ["links of the host's namespace", 'ip -o link', without(/uplink|vx|n\d+@|rw\d+-/)],
  ["the host's network by sysctl", 'ls /proc/sys/net/ipv4/conf', without(/uplink|rw\d+/)],
  [
    'timer and scheduler secrets',
    'cat /proc/timer_list /proc/sched_debug /proc/kallsyms /proc/keys /proc/config.gz 2>/dev/null | head -c 200',
    without(/./),
  ],
  ["the driver's uid", 'chown 65536:65536 /root && true', fails],
  ['a set-uid file of the host', 'find / -xdev -perm -4000 -user 65534 2>/dev/null', without(/./)],
  ['a link into the host', 'ln -sf /dev/.host/etc/shadow /root/l && cat /root/l', fails],
  [
    'kernel pointers',
    'cat /proc/kallsyms /proc/vmallocinfo /proc/modules 2>/dev/null | grep -v "0000000000000000" | head -3',
    without(/[0-9a-f]{16}/),
  ],
];

/** Attempts on the lab's web1 and web2; the tiers behind go on serving all the while. */
export function guestAttempts(lab: Lab): Attempt[] {
  return [
    ...rows.map(
      ([name, script, judge]): Attempt => ({
        name: `guest: ${name}`,
        run: async () => judge(await lab.inGuest('web1', script)),
      }),
    ),
    ...limitAttempts(lab).map((attempt) => ({
      ...attempt,
      run: async () => (await isAlive(lab, 'web1')) ?? (await attempt.run()),
    })),
    ...rebootAttempts(lab),
    ...driverAttempts(lab),
  ];
}

async function isAlive(lab: Lab, name: string): Promise<string | undefined> {
  const { code, stdout, stderr } = await lab.inGuest(name, 'echo alive');
  return code === 0 && stdout.includes('alive')
    ? undefined
    : `${name} does not answer: ${code} ${stderr.slice(0, 300)}`;
}

/** A machine that is to run runs again when its guest ended, and its end says nothing of the kernel. */
function rebootAttempts(lab: Lab): Attempt[] {
  return [
    {
      name: 'guest: a reboot from inside ends itself alone, and it comes back by itself within 10 s',
      run: async () => await rebooted(lab, 10_000),
    },
    {
      name: 'guest: reboots one after another come back later each time, and raise no alarm about the kernel',
      run: async () => {
        const log = join(lab.state, 'log', 'netd.log');
        const count = (words: string): number => readFileSync(log, 'utf8').split(words).length - 1;
        const [alarms, losses] = [count('the kernel differs'), count('links of their ports')];
        // The later one is away for longer than netd lets pass between two looks at a point.
        const problem = (await rebooted(lab, 20_000)) ?? (await rebooted(lab, 20_000));
        if (problem !== undefined) return problem;
        if (count('the kernel differs') > alarms) return 'a guest raised the alarm that the kernel differs';
        return count('links of their ports') > losses ? undefined : 'netd did not see that a port was gone';
      },
    },
  ];
}

/** Reboots web1 from inside; its neighbour answers meanwhile, and it is back in time with its address. */
async function rebooted(lab: Lab, withinMs: number): Promise<string | undefined> {
  await lab.inGuest('web1', 'reboot -f', 5000);
  const began = Date.now();
  const problem = await isAlive(lab, 'app1');
  if (problem !== undefined) return problem;
  for (;;) {
    const { code, stdout, stderr } = await lab.inGuest('web1', 'ip addr show eth0 | grep "inet 10."', 5000);
    if (code === 0 && stdout.includes('inet 10.')) return undefined;
    if (Date.now() - began > withinMs) return `web1 is not back after ${withinMs} ms: ${code} ${stderr.slice(0, 300)}`;
    await sleep(250);
  }
}

/** What a start does; the guest had stopped by itself. */
async function startAgain(lab: Lab, name: string): Promise<string | undefined> {
  const token = await lab.token(await lab.principal(`attack-${name}`, 'Owner'));
  await lab.armEnd(`${lab.machine(name)}/restart`, { token, method: 'POST' });
  return await isAlive(lab, name);
}

// oxlint-disable-next-line max-lines-per-function -- a table of rows, read from top to bottom
function limitAttempts(lab: Lab): Attempt[] {
  return [
    {
      name: 'guest: a fork bomb stays inside, its neighbours and the driver answer',
      run: async () => {
        await lab
          .inGuest('web2', 'f() { f | f & }; (ulimit -t 3; f) >/dev/null 2>&1; sleep 2', 20_000)
          .catch(() => undefined);
        const problem = (await isAlive(lab, 'web1')) ?? (await isAlive(lab, 'app1'));
        // Where no process can begin any more, nothing of ours can either: its owner restarts it.
        await lab.inGuest('web2', 'kill -9 -1', 20_000).catch(() => undefined);
        if (problem !== undefined || (await isAlive(lab, 'web2')) === undefined) return problem;
        return await startAgain(lab, 'web2');
      },
    },
    {
      name: 'guest: memory beyond its limit ends the one who took it',
      run: async () => {
        const { code, stdout } = await lab.inGuest(
          'web1',
          'head -c 6000000000 /dev/zero | tail -c 5900000000 | wc -c',
          60_000,
        );
        const problem = (await isAlive(lab, 'web1')) ?? (await isAlive(lab, 'app1'));
        return problem ?? (code === 0 && Number(stdout) > 5_000_000_000 ? 'it got 6 GB' : undefined);
      },
    },
    {
      name: 'guest: /tmp cannot take more than the memory limit',
      run: async () => {
        const filled = await lab.inGuest(
          'web1',
          'timeout 6 head -c 3000000000 /dev/zero > /tmp/fill; wc -c < /tmp/fill; rm -f /tmp/fill',
          15_000,
        );
        if (Number(filled.stdout) > 2_900_000_000) return `3 GB went into /tmp: ${filled.stdout}`;
        const ended = await isAlive(lab, 'web1');
        if (ended !== undefined) return ended;
        return await isAlive(lab, 'app1');
      },
    },
    {
      name: 'guest: a gigabyte on the console is read at a bounded rate and kept in a bounded log',
      run: async () => {
        await lab.inGuest('web1', 'timeout 3 sh -c "yes ringwall: guest ready > /dev/console"', 20_000);
        const machines = join(lab.state, 'guests', 'machines');
        const sizes = readdirSync(machines).map((key) => readFileSync(join(machines, key, 'console.log')).length);
        return Math.max(...sizes) > 4 * 1024 * 1024
          ? `a console log of ${Math.max(...sizes)} bytes`
          : await isAlive(lab, 'app1');
      },
    },
    {
      name: 'guest: control characters on the console do not reach the reader',
      run: async () => {
        await lab.inGuest('web1', 'printf "\\033]0;owned\\007\\033[2J\\302\\233x" > /dev/console');
        await sleep(300);
        const { stdout } = await lab.command(['guest', 'console', lab.machine('web1')]);
        return /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/.test(stdout) ? 'a control character came out' : undefined;
      },
    },
    {
      name: 'guest: output without end of a command is bounded',
      run: async () => {
        const { stdout } = await lab.inGuest('web1', 'head -c 50000000 /dev/zero | tr "\\0" x', 30_000);
        return stdout.length > 20_000_000 ? `${stdout.length} characters came out` : undefined;
      },
    },
  ];
}

/** A stopped init is waited for as long as a guest may take to stop: only the full form has that time. */
const isFull = process.argv.includes('--full');

/** What a guest may do to files and pipes that the driver opens later: it must not end the driver of all the others. */
function driverAttempts(lab: Lab): Attempt[] {
  return [
    {
      name: 'guest: a command that leaves a process behind ends all the same',
      run: async () => {
        const began = Date.now();
        const { stdout, code } = await lab.inGuest('web1', 'sleep 60 & echo started');
        return code === 0 && stdout.includes('started') && Date.now() - began < 10_000
          ? undefined
          : `code ${code} after ${Date.now() - began} ms`;
      },
    },
    {
      name: 'guest: its root closes the console to us, the driver starts again and serves all guests',
      run: async () => {
        await lab.inGuest('web2', 'chmod 000 /dev/console; chown 1:1 /dev/console');
        const supervised = JSON.parse(readFileSync(`/run/ringwall/${lab.number}/ringd.json`, 'utf8')) as {
          children: { guestd: number };
        };
        process.kill(supervised.children.guestd, 'SIGKILL');
        await sleep(3000);
        return (await isAlive(lab, 'app1')) ?? (await isAlive(lab, 'web2'));
      },
    },
    {
      name: 'guest: links in place of everything the driver writes at a start lead nowhere, also when init does not answer (--full)',
      run: async () => {
        const paths = [
          '/etc/shadow',
          '/etc/passwd',
          '/etc/hosts',
          '/etc/hostname',
          '/etc/resolv.conf',
          '/usr/lib/ringwall/init',
          '/etc/ringwall/settings',
        ];
        const canary = join(lab.folder, 'canary');
        writeFileSync(canary, 'untouched', { mode: 0o666 });
        await lab.inGuest(
          'web2',
          `for p in ${paths.join(' ')}; do rm -f $p; ln -s ${canary} $p; done${isFull ? '; kill -STOP 1' : ''}`,
        );
        const problem = await startAgain(lab, 'web2');
        const now = readFileSync(canary, 'utf8');
        return now === 'untouched' ? problem : `the host's file became ${now.slice(0, 100)}`;
      },
    },
  ];
}
