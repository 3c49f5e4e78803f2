/** Attacks on the host: a stranger's account at our sockets and files, and a control plane that someone owns at the keeper and the driver. */

import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { uidOf } from '#main/boot/places.ts';
import { type Lab, run } from '#test/attack/lab.ts';
import type { Attempt } from '#test/attack/row.ts';

const stranger = 61_234;

/** Attempts on the lab's processes. */
export function localAttempts(lab: Lab): Attempt[] {
  return [...strangerAttempts(lab), ...ownedAttempts(lab), ...tidyAttempts(lab)];
}

// oxlint-disable-next-line max-lines-per-function -- a table of rows, read from top to bottom
function strangerAttempts(lab: Lab): Attempt[] {
  const folder = `/run/ringwall/${lab.number}`;
  const sockets = ['netd/stampd', 'proofd/stampd', 'guestd/stampd', 'stampd/cli'].map((place) =>
    join(folder, place, 'socket'),
  );
  const supervised = () =>
    JSON.parse(readFileSync(join(folder, 'ringd.json'), 'utf8')) as {
      pid: number;
      children: { [name: string]: number };
    };
  const pids = () => [supervised().pid, ...Object.values(supervised().children)];
  const users = [stranger, uidOf('proofd', lab.number), uidOf('guestd', lab.number), uidOf('stampd', lab.number)];
  const may = (uid: number, socket: string) =>
    uid === uidOf('stampd', lab.number) ||
    (socket.includes('/proofd/') && uid === uidOf('proofd', lab.number)) ||
    (socket.includes('/guestd/') && uid === uidOf('guestd', lab.number));
  return [
    ...users.flatMap((uid) =>
      sockets
        .filter((socket) => !may(uid, socket))
        .map(
          (socket): Attempt => ({
            name: `local: user ${uid - uidOf('proofd', lab.number) + 1} connects to ${socket.slice(folder.length)}`,
            run: async () => await refusedTo(uid, socket),
          }),
        ),
    ),
    {
      name: 'local: a stranger reads nothing of the state, the logs, the keys',
      run: async () => {
        const { stdout } = await run(['find', lab.state, '-type', 'f', '-readable', '!', '-name', 'ca.pem'], {
          uid: stranger,
        });
        return stdout === '' ? undefined : stdout.slice(0, 300);
      },
    },
    {
      name: 'local: no secret stands in the arguments or the environment of our processes',
      run: async () => {
        const secrets = secretsOf(lab);
        for (const pid of pids())
          for (const file of ['cmdline', 'environ']) {
            const text = readFileSync(`/proc/${pid}/${file}`, 'latin1');
            if (secrets.some((secret) => text.includes(secret))) return `${file} of ${pid}`;
          }
        return undefined;
      },
    },
    {
      name: 'local: a stranger sees neither memory, environment nor descriptors of our processes',
      run: async () => {
        for (const pid of pids())
          for (const path of ['environ', 'mem', 'maps', 'fd/0', 'root/etc/hostname']) {
            const { code } = await run(['head', '-c', '1', `/proc/${pid}/${path}`], { uid: stranger });
            if (code === 0) return `/proc/${pid}/${path} was read`;
          }
        return undefined;
      },
    },
    {
      name: 'local: the processes hold no more capabilities than they need',
      run: async () => {
        const { children } = supervised();
        for (const [name, pid] of Object.entries(children)) {
          const status = readFileSync(`/proc/${pid}/status`, 'latin1');
          const bounding = BigInt(`0x${/CapBnd:\s+([0-9a-f]+)/.exec(status)?.[1] ?? 'f'}`);
          const isSealed = /NoNewPrivs:\s+1/.test(status);
          const most = name === 'netd' ? undefined : name === 'guestd' ? 0xc0n : name === 'edged' ? undefined : 0n;
          if (most !== undefined && ((bounding & ~most) !== 0n || !isSealed))
            return `${name}: bounding ${bounding.toString(16)}, no new privileges ${isSealed}`;
        }
        return undefined;
      },
    },
  ];
}

async function refusedTo(uid: number, socket: string): Promise<string | undefined> {
  const script = `require('node:net').connect(process.argv[1]).on('connect', () => process.exit(0)).on('error', () => process.exit(7))`;
  const { code } = await run([process.execPath, '-e', script, socket], { uid });
  return code === 0 ? 'it connected' : undefined;
}

function secretsOf(lab: Lab): string[] {
  const keys = join(lab.state, 'keys');
  const texts = readdirSync(keys).map((name) => readFileSync(join(keys, name), 'utf8'));
  return texts
    .flatMap((text) => text.match(/[A-Za-z0-9+/_=-]{24,}/g) ?? [])
    .filter(
      (text) => !/^(eyJ|BEGIN|CERTIFICATE|MII)/.test(text) && !/^[0-9a-f-]{36}$/.test(text) && !text.includes('/'),
    );
}

type Said = { readonly code?: string; readonly message?: string; readonly value?: unknown; readonly method: string };

/** Calls on a socket as an owned stampd would make them, one after another. */
async function asStampd(lab: Lab, server: string, calls: readonly (readonly unknown[])[]): Promise<Said[]> {
  const script = join(lab.folder, 'owned.cjs');
  writeFileSync(script, ownedScript, { mode: 0o644 });
  const { stdout, stderr } = await run(
    [process.execPath, script, `/run/ringwall/${lab.number}/${server}/stampd/socket`],
    { uid: uidOf('stampd', lab.number), input: JSON.stringify(calls) },
  );
  if (stdout === '') throw new Error(`nothing was said: ${stderr.slice(0, 500)}`);
  return JSON.parse(stdout) as Said[];
}

/** A constant: its own client, so that nothing of ours tidies what it sends. */
const ownedScript = `
const net = require('node:net');
const calls = JSON.parse(require('node:fs').readFileSync(0, 'utf8'));
const said = [];
async function one([method, ...parameters]) {
  return await new Promise((resolve) => {
    const socket = net.connect(process.argv[2]);
    const timer = setTimeout(() => { socket.destroy(); resolve({ method, code: 'NoAnswer' }); }, 5000);
    let data = Buffer.alloc(0);
    socket.on('error', (error) => { clearTimeout(timer); resolve({ method, code: error.code }); });
    socket.on('close', () => { clearTimeout(timer); resolve({ method, code: 'Closed' }); });
    socket.on('data', (chunk) => {
      data = Buffer.concat([data, chunk]);
      if (data.length < 4 || data.length < 4 + data.readUInt32BE(0)) return;
      const { value, error } = JSON.parse(data.subarray(4, 4 + data.readUInt32BE(0)).toString());
      clearTimeout(timer);
      resolve({ method, ...(error ?? { value }) });
      socket.destroy();
    });
    if (method === 'RAW') return socket.write(Buffer.from(parameters[0], 'base64'));
    const body = Buffer.from(JSON.stringify({ id: 1, method, parameters }));
    const head = Buffer.alloc(4);
    head.writeUInt32BE(body.length);
    socket.write(Buffer.concat([head, body]));
  });
}
(async () => {
  for (const call of calls) said.push(await one(call));
  process.stdout.write(JSON.stringify(said));
})();
`;

// oxlint-disable-next-line max-lines-per-function -- a table of rows, read from top to bottom
function ownedAttempts(lab: Lab): Attempt[] {
  const { number } = lab;
  const canary = join(lab.folder, 'owned');
  const record = (more: object) => ({
    record: { stamp: number, revision: 1_000_000, base: '', root: '0'.repeat(64), ...more },
    signature: 'A'.repeat(86),
  });
  const all = (
    name: string,
    server: string,
    ...[calls, after]: readonly [readonly (readonly unknown[])[], (() => Promise<string | undefined>)?]
  ): Attempt => ({
    name: `owned: ${name}`,
    run: async () => {
      const before = processOf(lab, server);
      const said = await asStampd(lab, server, calls);
      const through = said.find(({ code }) => code === undefined);
      if (through !== undefined) return `${through.method} went through: ${JSON.stringify(through).slice(0, 300)}`;
      if (processOf(lab, server) !== before) return `${server} ended and was started again`;
      return await after?.();
    },
  });
  const host = async (): Promise<string | undefined> => {
    const { stdout } = await run(['ip', '-br', 'link']);
    return /^eth[789]/m.test(stdout) ? `a NIC came into the host's namespace: ${stdout.slice(0, 300)}` : undefined;
  };
  const isAbsent = async (): Promise<string | undefined> =>
    (await run(['test', '-e', canary])).code === 0 ? 'a command of the caller ran as root' : undefined;
  const attach = (pid: unknown, name: unknown = 'eth7', mark: unknown = 1) => ['attach', mark, pid, name];
  return [
    all('records without, with a wrong, with an odd signature', 'netd', [
      ['replace', record({}), {}],
      ['replace', { ...record({}), signature: '' }, {}],
      ['replace', { ...record({}), signature: { length: 64 } }, {}],
      ['replace', null, {}],
      ['replace', {}, {}],
      ['apply', record({ base: 'x' }), []],
      ['apply', record({ stamp: number + 1 }), [{ path: ['edge'], value: null }]],
      ['apply', record({ revision: Number.MAX_SAFE_INTEGER }), 'x'],
    ]),
    all('methods that are not there', 'netd', [
      ['__proto__'],
      ['constructor'],
      ['down'],
      ['cut', {}],
      ['toString'],
      ['detach', 1],
    ]),
    all(
      'a NIC into processes of the host',
      'netd',
      [
        attach(1),
        attach(process.pid),
        attach(processOf(lab, 'netd')),
        attach(processOf(lab, 'stampd')),
        attach(processOf(lab, 'guestd')),
      ],
      host,
    ),
    all(
      'words of its own in the batch that root runs',
      'netd',
      [
        attach(process.pid, `eth7\nnetns exec rw${number}-scratch touch ${canary}`),
        attach(`${process.pid} name x\nnetns exec rw${number}-scratch touch ${canary}\n`),
        attach(process.pid, 'eth7', `1\nnetns exec rw${number}-scratch touch ${canary}`),
        attach(process.pid, ['eth7']),
        attach([process.pid]),
        attach({}),
        attach(-1),
        attach(1.5),
        attach(null),
        attach('self'),
        attach('../../run/netns/x'),
      ],
      isAbsent,
    ),
    all('frames that are too large, no JSON, no call', 'netd', [
      ['RAW', Buffer.from([0xff, 0xff, 0xff, 0xff, 1, 2, 3]).toString('base64')],
      ['RAW', Buffer.from([0, 0, 0, 2, 0x7b, 0x7b]).toString('base64')],
      ['RAW', Buffer.concat([Buffer.from([0, 0, 0, 4]), Buffer.from('null')]).toString('base64')],
      ['RAW', Buffer.concat([Buffer.from([0, 0, 0, 2]), Buffer.from('[]')]).toString('base64')],
      ['RAW', Buffer.concat([Buffer.from([0, 3, 0x0d, 0x40]), Buffer.from('['.repeat(200_000))]).toString('base64')],
    ]),
    {
      name: 'owned: probes of odd places do not end netd',
      run: async () => {
        const before = processOf(lab, 'netd');
        const probe = {
          key: 'a',
          address: '10.10.1.4',
          port: 80,
          protocol: 'http',
          path: '/',
          intervalS: 1,
          failuresMax: 1,
        };
        await asStampd(lab, 'netd', [
          [
            'probes',
            [
              { ...probe, point: '__proto__' },
              { ...probe, key: 'b', point: 'router/v1/h1', address: '__proto__' },
              { ...probe, key: 'c', point: 'edge' },
              { ...probe, key: 'd', point: 5, intervalS: -1 },
            ],
          ],
          ['probes', 'x'],
          ['probes', [null]],
        ]);
        await new Promise((resolve) => setTimeout(resolve, 1500));
        return processOf(lab, 'netd') === before ? undefined : 'netd ended and was started again';
      },
    },
    all(
      "guests with the uids of another stamp's, of accounts, of the stamp's own users",
      'guestd',
      [0, 1000, 52_000, 0x4000_0000 - 65_536, 0x4000_0000 + 200 * 512 * 65_536, 0xffff_0000, 'x', -1].map(
        (uidFirst) => ['start', { ...guest, uidFirst }],
      ),
    ),
    all('guests whose texts are paths, lines or options', 'guestd', [
      ['start', { ...guest, key: '../../../tmp/x' }],
      ['start', { ...guest, key: ['g1'] }],
      ['start', { ...guest, key: '' }],
      ['start', { ...guest, hostname: 'a\nb' }],
      ['start', { ...guest, adminUsername: 'root' }],
      ['start', { ...guest, adminUsername: 'x:0:0' }],
      ['start', { ...guest, image: { kind: '../../x' } }],
      ['start', { ...guest, sshPublicKeys: ['ssh-ed25519 AAAA\nroot::0:0'] }],
      ['start', { ...guest, nics: [{ name: 'eth0; id', mac: '02:00:00:00:00:01', mtu: 1500, addresses: [] }] }],
      ['start', null],
      ['start', {}],
      ['exec', '../x', ['id'], {}],
      ['exec', 'g1', ['--help'], {}],
      ['exec', 'g1', [], {}],
      ['exec', 'g1', ['a\u0000b'], {}],
      ['exec', 'g1', 'id', {}],
      ['console', '../../keys', {}],
      ['remove', '..'],
      ['stop', '__proto__', {}],
    ]),
  ];
}

const guest = {
  id: 'x',
  key: 'g400',
  hostname: 'x',
  image: { kind: 'lab' },
  uidFirst: 0,
  cpuCount: 1,
  memoryMiB: 128,
  adminUsername: 'azureuser',
  sshPublicKeys: [],
  nics: [],
  resolver: '168.63.129.16',
};

function processOf(lab: Lab, name: string): number {
  const { children } = JSON.parse(readFileSync(`/run/ringwall/${lab.number}/ringd.json`, 'utf8')) as {
    children: { [name: string]: number };
  };
  return children[name] ?? 0;
}

/** After all of it: no request met a bug, no kernel differs from its program, no log has a secret. */
function tidyAttempts(lab: Lab): Attempt[] {
  const logs = join(lab.state, 'log');
  const each = () => readdirSync(logs).map((name) => ({ name, text: readFileSync(join(logs, name), 'utf8') }));
  return [
    {
      name: 'after all: no request met a bug',
      run: async () => {
        const { text = '' } = each().find(({ name }) => name === 'stampd.log') ?? {};
        const bug = text.split('\n').find((line) => line.includes('a request met a bug'));
        return bug?.slice(0, 800);
      },
    },
    {
      name: 'after all: the kernel is as the programs say',
      run: async () => {
        const { text = '' } = each().find(({ name }) => name === 'netd.log') ?? {};
        // A guest that ends takes its end of the port with it; rules, sets and settings change by nobody but netd.
        return text
          .split('\n')
          .find((line) => line.includes('the kernel differs') && /"kind":"(table|chain|rule|set|sysctl)"/.test(line))
          ?.slice(0, 800);
      },
    },
    {
      name: 'after all: no log has a secret, and no line is split',
      run: async () => {
        const secrets = [...secretsOf(lab), 'Sw0rdfish-7f3a'];
        for (const { name, text } of each()) {
          if (secrets.some((secret) => text.includes(secret))) return `${name} has a secret`;
          const broken = text.split('\n').find((line) => line !== '' && !line.startsWith('{'));
          if (broken !== undefined) return `${name} has a line that is no record: ${broken.slice(0, 200)}`;
        }
        return undefined;
      },
    },
  ];
}
