/** Runs the SDK rows in a process of their own, which trusts the stamp's authority from its start. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeClientCertificate } from '#test/peers/certificate.ts';
import { runProgram } from '#test/peers/child.ts';
import type { Outcome } from '#test/peers/report.ts';
import type { SdkAnswer, SdkOrder } from '#test/peers/sdk/child.ts';
import { addressIn, type Stamp } from '#test/peers/stamp.ts';
import { root } from '#tools/sources.ts';

export type SdkRun = {
  readonly suite: string;
  readonly generation: 'hybrid' | 'current';
  /** Hybrid packages sign in with a certificate, current ones with a secret: both ways are walked. */
  readonly stamp: Stamp;
  readonly packages: string;
  readonly folder: string;
  readonly sshKey: string;
  readonly isCoreOnly: boolean;
  readonly tell: (outcome: Outcome) => void;
};

const runMinutesMax = 15;
const rowSecondsMax = 90;

/** Runs one generation of packages; what is left when the process dies is one failed row that says so. */
export async function runSdk(run: SdkRun): Promise<void> {
  const { stamp, suite, tell } = run;
  const order = await orderOf(run);
  let rows = 0;
  const hear = (line: string): void => {
    if (!line.startsWith('{"name"')) return;
    const { name, seconds, problems, output } = JSON.parse(line) as SdkAnswer;
    rows += 1;
    const late = seconds > rowSecondsMax ? [`it took ${seconds.toFixed(1)} s`] : [];
    tell({
      suite,
      name,
      seconds,
      kind: problems.length + late.length > 0 ? 'failed' : 'passed',
      problems: [...problems, ...late],
      output,
    });
  };
  const file = join(root, 'test/peers/sdk/child.ts');
  const ended = await runProgram([process.execPath, '--disable-warning=ExperimentalWarning', file], {
    stdin: JSON.stringify(order),
    environment: { NODE_EXTRA_CA_CERTS: stamp.caFile, AZURE_LOG_LEVEL: undefined },
    cwd: root,
    timeoutMs: runMinutesMax * 60_000,
    hear,
  });
  if (ended.code === 0 && rows > 0) return;
  const problems = [`the process ended with ${ended.isTooLate ? 'a time-out' : ended.code} after ${rows} rows`];
  tell({
    suite,
    name: `${run.generation} SDKs`,
    seconds: ended.seconds,
    kind: 'failed',
    problems,
    output: ended.stderr.slice(-2000),
  });
}

async function orderOf({ generation, stamp, suite, packages, folder, sshKey, isCoreOnly }: SdkRun): Promise<SdkOrder> {
  const login = new URL(stamp.endpoints.login);
  const management = new URL(stamp.endpoints.management);
  const names = [login.hostname, management.hostname];
  const known = names.flatMap((name) => {
    const address = addressIn(stamp.hosts, name);
    return address === undefined ? [] : [[name, address] as const];
  });
  const identity = await identityOf({ generation, stamp, suite, folder });
  const reader = await stamp.principal(`peers-${suite}-reader`, { role: 'Reader' });
  return {
    packages,
    generation,
    management: stamp.endpoints.management,
    authority: login.origin,
    audience: stamp.endpoints.management,
    subscription: stamp.subscriptionId,
    ...identity,
    reader: { appId: reader.appId, secret: reader.secret ?? '' },
    addresses: Object.fromEntries(known),
    isCoreOnly,
    isPolled: stamp.longRunning === 'poll',
    notebook: {
      group: `peers-${suite}`,
      location: stamp.location,
      subscription: stamp.subscriptionId,
      storage: 'peerssdkstorage',
      policy: 'peers-sdk-policy',
      oid: identity.oid,
      ssh: sshKey,
    },
  };
}

type Identity = {
  readonly appId: string;
  readonly oid: string;
  readonly secret?: string;
  readonly certificateFile?: string;
};

async function identityOf({
  generation,
  stamp,
  suite,
  folder,
}: Pick<SdkRun, 'generation' | 'stamp' | 'suite' | 'folder'>): Promise<Identity> {
  if (generation === 'current') return await stamp.principal(`peers-${suite}`);
  const { certificatePem, keyPem } = await makeClientCertificate(`peers-${suite}`);
  const [publicFile, certificateFile] = [join(folder, `${suite}.pem`), join(folder, `${suite}-key.pem`)];
  writeFileSync(publicFile, certificatePem, { mode: 0o600 });
  writeFileSync(certificateFile, keyPem + certificatePem, { mode: 0o600 });
  const { appId, oid } = await stamp.principal(`peers-${suite}`, { certificateFile: publicFile });
  return { appId, oid, certificateFile };
}
