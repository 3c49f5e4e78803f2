/** Real az: it works through `ringwall bind` on a plane that takes no plain token, and what its cache holds is worth nothing elsewhere. */

import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openBind, type Bound } from '#main/command/bind.ts';
import { openAz, type Az } from '#test/peers/az.ts';
import { azChroot } from '#test/peers/chroot.ts';
import { elsewhere, type Ground, type Program } from '#test/theft/ground.ts';
import { tryAll, type Tally } from '#test/theft/row.ts';

const chroot = join(process.env['RINGWALL_AZ_CACHE'] ?? '/var/cache/ringwall', 'az-trixie');

/** Runs where az is at hand already; nothing is built here. */
export async function azThefts(ground: Ground, tally: Tally): Promise<void> {
  if (process.geteuid?.() !== 0 || !existsSync(join(chroot, '.ringwall-az.json'))) {
    console.log(`skipped: wants root, and az in ${chroot} (the suite "peers" makes it)`);
    tally.skipped += 1;
    return;
  }
  const folder = mkdtempSync(join(tmpdir(), 'ringwall-theft-az-'));
  const caFile = ground.model.prepared.places.certificateAuthority;
  const way = await openBind(ground.admin, { key: join(folder, 'bind.pem'), ca: caFile });
  const found = await azChroot('trixie', console.log);
  const hosts = '127.0.0.1 localhost\n';
  const bound = openAz({ chroot: found, hosts, ca: way.caPem });
  const plain = openAz({ chroot: found, hosts, ca: ground.model.caPem });
  try {
    await throughBind(ground, { az: bound, way }, tally);
    await inItsNetwork(ground, plain, tally);
  } finally {
    bound.close();
    plain.close();
    await way.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function throughBind(
  ground: Ground,
  { az, way }: { readonly az: Az; readonly way: Bound },
  tally: Tally,
): Promise<void> {
  const program = await ground.program('az-bound');
  const provider = `/subscriptions/${ground.model.prepared.providerSubscriptionId}`;
  await ground.assign(program.oid, 'ServicePrincipal', provider);
  const cloud = az.putFile('cloud.json', readFileSync(way.cloudFile, 'utf8'));
  const register = ['cloud', 'register', '-n', 'bound', '--cloud-config', `@${cloud}`];
  const group = ['group', 'create', '-n', 'az-bound', '-l', 'local'];
  const token = await signedIn(az, {
    register,
    cloud: 'bound',
    program,
    more: [group, ['group', 'list'], ['group', 'delete', '-n', 'az-bound', '-y']],
  });
  tell(tally, 'az through bind on the operator’s plane: register, login, group create, list, delete', token);
  if (token.text === undefined) return;
  const { text } = token;
  const common = {
    status: 401,
    code: 'InvalidAuthenticationToken',
    who: program.oid,
    from: elsewhere,
    secret: text,
  } as const;
  const thief = { from: elsewhere, headers: { authorization: `Bearer ${text}` } };
  const rows = [
    {
      name: "az's own cached token, copied to another machine",
      defence: 'cnf.jkt',
      ...common,
      attempt: () => ground.ask(ground.adminSubscriptions, thief),
    },
  ];
  await tryAll(rows, ground, tally);
}

async function inItsNetwork(ground: Ground, az: Az, tally: Tally): Promise<void> {
  const program = await ground.program('az-plain');
  ground.networkBound.add(program.oid);
  const register = [
    'cloud',
    'register',
    '-n',
    'plain',
    '--endpoint-resource-manager',
    ground.model.endpoints.management,
  ];
  const token = await signedIn(az, { register, cloud: 'plain', program, more: [['group', 'list']] });
  tell(tally, 'az on the tenants’ plane with a plain token of ten minutes, bound to its network', token);
  if (token.text === undefined) return;
  const { text } = token;
  const common = {
    status: 401,
    code: 'InvalidAuthenticationToken',
    who: program.oid,
    from: elsewhere,
    secret: text,
  } as const;
  const thief = { from: elsewhere, headers: { authorization: `Bearer ${text}` } };
  const rows = [
    {
      name: "az's own cached token, copied to another network",
      defence: 'claim net',
      ...common,
      attempt: () => ground.ask(ground.subscriptions, thief),
    },
  ];
  await tryAll(rows, ground, tally);
}

type Steps = {
  readonly register: readonly string[];
  readonly cloud: string;
  readonly program: Program;
  readonly more: readonly (readonly string[])[];
};

type SignedIn = { readonly text?: string; readonly problem?: string };

/** Registers, signs in, does more, and answers the token that az holds. */
async function signedIn(az: Az, { register, cloud, program, more }: Steps): Promise<SignedIn> {
  const login = [
    'login',
    '--service-principal',
    '-u',
    program.appId,
    `--password=${program.secret}`,
    '--tenant',
    'adfs',
  ];
  const steps = [register, ['cloud', 'set', '-n', cloud], login, ...more];
  for (const argv of steps) {
    const { code, stderr } = await az.run(argv, { configuration: cloud });
    if (code !== 0) return { problem: `az ${argv.slice(0, 2).join(' ')} ended with ${code}: ${stderr.slice(-800)}` };
  }
  const held = ['account', 'get-access-token', '--query', 'accessToken', '-o', 'tsv'];
  const { stdout } = await az.run(held, { configuration: cloud });
  return stdout.trim() === '' ? { problem: 'az holds no token' } : { text: stdout.trim() };
}

function tell(tally: Tally, name: string, { problem }: SignedIn): void {
  tally[problem === undefined ? 'passed' : 'failed'] += 1;
  console.log(`${problem === undefined ? 'ok  ' : 'FAIL'} ${name}`);
  if (problem !== undefined) console.log(`     ${problem}`);
}
