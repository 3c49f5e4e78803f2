/** Makes what a stamp must have before its first start: directories, keys, certificates, the first credentials. Run by root, once; what exists is kept. */

import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
  statSync,
} from 'node:fs';
import { randomBytes, randomUUID } from 'node:crypto';
import { dirname, join } from 'node:path';
import { Fault, Refusal } from '#base/wrong.ts';
import { randomPassword } from '#engine/identity/first-administrator.ts';
import { generateTokenKeys } from '#engine/identity/token-keys.ts';
import { generateProverKeys } from '#engine/gate/record.ts';
import { generateOperatorKeys } from '#engine/proof/bundle.ts';
import { createAuthority, issueCertificate } from '#main/boot/certificates.ts';
import type { Boot } from '#main/boot/boot.ts';
import { placesOf, uidOf, type Places } from '#main/boot/places.ts';
import type { Settings } from '#main/boot/settings.ts';

/** Host names of a stamp's own endpoints, below its zone (decision D5). */
const endpointNames = ['management', 'adminmanagement', 'adfs', 'portal', 'adminportal', 'graph', 'crl'] as const;

/** Names, ids and secrets that every start needs; kept in one root-only file each. */
export type Prepared = {
  readonly places: Places;
  readonly tenantId: string;
  readonly subscriptionId: string;
  /** The operator's own subscription on the plane of administration. */
  readonly providerSubscriptionId: string;
  /** What each process is told. */
  readonly boots: { readonly [process in 'proofd' | 'netd' | 'stampd' | 'guestd' | 'edged']: Boot };
};

type Identity = {
  readonly tenantId: string;
  readonly subscriptionId: string;
  readonly labAppId: string;
  readonly providerSubscriptionId: string;
};

/** Prepares the state directory; `owned` is false in model mode, where everything runs as one user. */
export async function prepare(
  settings: Settings,
  options: { readonly owned: boolean; readonly addresses?: readonly string[] },
): Promise<Prepared> {
  const places = placesOf(settings);
  if (options.owned) wantReachable(places.state);
  makeFolders(places, { owned: options.owned, number: settings.number });
  const ids = identityOf(places);
  const store = kept(join(places.keys, 'store.key'), () => `${randomBytes(32).toString('hex')}\n`).trim();
  const prover = keptJson(join(places.keys, 'prover.json'), generateProverKeys);
  const tokens = await keptLater(join(places.keys, 'tokens.json'), async () =>
    JSON.stringify(await generateTokenKeys()),
  );
  const operator = keptJson(join(places.keys, 'operator.json'), generateOperatorKeys);
  const policy = existsSync(places.policy) ? readFileSync(places.policy, 'utf8') : '';
  const tls = await certificates(places, settings, options.addresses ?? []);
  const first = keptJson(places.firstCredential, () => ({
    user: `admin@${settings.zone}`,
    password: randomPassword(),
  }));
  const lab = kept(join(places.keys, 'lab.secret'), randomPassword);
  const common = { settings, tenantId: ids.tenantId };
  return {
    places,
    tenantId: ids.tenantId,
    subscriptionId: ids.subscriptionId,
    providerSubscriptionId: ids.providerSubscriptionId,
    boots: {
      proofd: { ...common, secrets: { prover: prover.privatePem, operatorPin: operator.publicPem, policy } },
      netd: { ...common, secrets: { proverPin: prover.publicPem } },
      guestd: { ...common, secrets: {} },
      edged: { ...common, secrets: { proverPin: prover.publicPem } },
      stampd: {
        ...common,
        secrets: {
          store,
          tokens,
          tlsKey: tls.keyPem,
          tlsCertificate: tls.certificatePem,
          firstPassword: first.password,
          subscriptionId: ids.subscriptionId,
          providerSubscriptionId: ids.providerSubscriptionId,
          labAppId: ids.labAppId,
          labSecret: lab,
        },
      },
    },
  };
}

/** The stamp's ids. A stamp of an earlier version gets those that it lacks, which it keeps from then on. */
function identityOf({ keys }: Places): Identity {
  const path = join(keys, 'stamp.json');
  const known = keptJson<Identity | Omit<Identity, 'providerSubscriptionId'>>(path, () => ({
    tenantId: randomUUID(),
    subscriptionId: randomUUID(),
    labAppId: randomUUID(),
    providerSubscriptionId: randomUUID(),
  }));
  if ('providerSubscriptionId' in known) return known;
  const whole = { ...known, providerSubscriptionId: randomUUID() };
  writeWhole(path, JSON.stringify(whole));
  return whole;
}

/** The stamp's own users must get to the state through every folder above it. */
function wantReachable(state: string): void {
  for (let above = dirname(state); above !== dirname(above); above = dirname(above)) {
    if (!existsSync(above) || (statSync(above).mode & 0o001) !== 0) continue;
    throw new Refusal(
      'StateUnreachable',
      `--state ${state}: the stamp's own users cannot enter ${above}. Choose a directory below one that all may enter, for example /var/lib, or run chmod o+x ${above}.`,
      { target: '--state' },
    );
  }
}

function makeFolders(places: Places, { owned, number }: { owned: boolean; number: number }): void {
  folder(places.state, 0o711);
  folder(places.keys, 0o700);
  folder(places.logs, 0o700);
  folder(join(places.state, 'netd'), 0o700);
  folder(join(places.state, 'db'), 0o700, owned ? uidOf('stampd', number) : undefined);
  folder(places.flowLogs, 0o700, owned ? uidOf('stampd', number) : undefined);
  folder(places.guests, 0o711, owned ? uidOf('guestd', number) : undefined);
  if (owned) copyEngine('/usr/sbin/unbound', places.resolverCommand);
}

/** An engine of the host's, where the host's policies for its own use do not hold it (decision 0006); a new package comes with the next start. */
function copyEngine(from: string, to: string): void {
  if (!existsSync(from))
    throw new Fault('EngineMissing', `There is no ${from}: install the Debian package unbound (./ringwall does).`);
  folder(dirname(to), 0o755);
  copyFileSync(from, `${to}.new`);
  chmodSync(`${to}.new`, 0o755);
  renameSync(`${to}.new`, to);
}

function folder(path: string, mode: number, uid?: number): void {
  mkdirSync(path, { recursive: true, mode });
  chmodSync(path, mode);
  if (uid !== undefined) chownSync(path, uid, uid);
}

/** The file's text, or a fresh one written whole (mode 0600) before it is used. */
function kept(path: string, make: () => string): string {
  if (existsSync(path)) return readFileSync(path, 'utf8');
  const text = make();
  writeWhole(path, text);
  return text;
}

async function keptLater(path: string, make: () => Promise<string>): Promise<string> {
  if (existsSync(path)) return readFileSync(path, 'utf8');
  const text = await make();
  writeWhole(path, text);
  return text;
}

function keptJson<T>(path: string, make: () => T): T {
  const text = kept(path, () => JSON.stringify(make()));
  try {
    return JSON.parse(text) as T;
  } catch (cause) {
    throw new Fault(
      'KeyFileDamaged',
      `${path} is not JSON; restore it from a backup or remove the state directory.`,
      cause,
    );
  }
}

function writeWhole(path: string, text: string, mode = 0o600): void {
  const draft = `${path}.new`;
  writeFileSync(draft, text, { mode, flush: true });
  renameSync(draft, path);
}

/** The lab's own CA and the certificate of all endpoints; the CA's public part is for clients to trust. */
async function certificates(
  places: Places,
  settings: Settings,
  addresses: readonly string[],
): Promise<{ certificatePem: string; keyPem: string }> {
  const now = Date.now();
  const authority = JSON.parse(
    await keptLater(join(places.keys, 'authority.json'), async () =>
      JSON.stringify(await createAuthority(`Ringwall ${settings.zone} root`, now)),
    ),
  ) as { certificatePem: string; keyPem: string };
  writeWhole(places.certificateAuthority, authority.certificatePem, 0o644);
  const path = join(places.keys, `endpoints${addresses.length > 0 ? '-model' : ''}.json`);
  const names = [...endpointNames.map((name) => `${name}.${settings.zone}`), 'localhost'];
  return JSON.parse(
    await keptLater(path, async () => JSON.stringify(await issueCertificate(authority, { names, addresses, now }))),
  ) as { certificatePem: string; keyPem: string };
}
