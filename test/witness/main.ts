/** The witness suite: templates that open management ports, deployed where that is only watched; each witness is sent as a real packet and must arrive. */

import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { rounded } from '#bench/figures.ts';
import { withOwnStamp, type OwnStamp } from '#bench/own-stamp.ts';
import { isObject, type JsonObject } from '#base/json.ts';
import type { ToldBreach } from '#engine/proof/told.ts';
import { clientOf, signIn } from '#test/conformance/client.ts';
import { cleanUp, type Place } from '#test/conformance/replay.ts';
import { deployTemplate, templatesIn } from '#test/conformance/templates.ts';

const corpus = resolve(process.env['RINGWALL_CORPUS'] ?? join(import.meta.dirname, '../../../shared/corpus'));
const templates = join(corpus, 'arm-templates');
const cli = join(import.meta.dirname, '../../src/main/cli.ts');
const flags = [
  '--disallow-code-generation-from-strings',
  '--disable-proto=throw',
  '--disable-warning=ExperimentalWarning',
];
const tally = { passed: 0, failed: 0, skipped: 0 };

if (!existsSync(templates)) {
  console.log(`witness skipped: there is no corpus at ${corpus} (set RINGWALL_CORPUS)`);
  tally.skipped += 1;
} else {
  await verifyAll();
  if (process.getuid?.() === 0) await withOwnStamp(confirmAll, { settings: 'managementPorts: audit\n' });
  else {
    console.log('skipped: real packets need root');
    tally.skipped += 1;
  }
}
console.log(`${tally.passed} passed, ${tally.failed} failed, ${tally.skipped} skipped`);
process.exitCode = tally.failed > 0 ? 1 : 0;

function told(isGood: boolean, says: string): void {
  tally[isGood ? 'passed' : 'failed'] += 1;
  console.log(`  ${isGood ? 'ok  ' : 'FAIL'} ${says}`);
}

type Run = { readonly code: number | null; readonly output: string; readonly ms: number };

async function run(command: string, argv: readonly string[]): Promise<Run> {
  const begun = performance.now();
  const child = spawn(command, argv, { stdio: ['ignore', 'pipe', 'pipe'] });
  const output: string[] = [];
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (chunk: string) => output.push(chunk));
  const code = await new Promise<number | null>((done) => child.once('close', done));
  return { code, output: output.join(''), ms: performance.now() - begun };
}

/** `ringwall verify` on each template, as a pipeline would: it says whether it is safe, quickly, with neither root nor a stamp. */
async function verifyAll(): Promise<void> {
  const times: number[] = [];
  for (const name of templatesIn(templates)) {
    const file = join(templates, name, 'azuredeploy.json');
    const parameters = join(templates, name, 'azuredeploy.parameters.json');
    const given = existsSync(parameters) ? ['--parameters', parameters] : [];
    const { code, output, ms } = await run(process.execPath, [...flags, cli, 'verify', file, ...given, '--json']);
    times.push(ms);
    const verdict = verdictIn(output);
    const isRight = (code === 0 && verdict === 'holds') || (code === 2 && verdict === 'broken');
    told(isRight, `verify ${name}: ${verdict}, exit ${code}, ${rounded(ms)} ms`);
  }
  console.log(`  verify: slowest ${rounded(Math.max(...times))} ms of ${times.length} templates`);
}

function verdictIn(output: string): string {
  try {
    const last: unknown = JSON.parse(output.trimEnd().split('\n').at(-1) ?? '');
    return isObject(last) ? String(last['verdict']) : 'nothing';
  } catch {
    return 'nothing';
  }
}

async function confirmAll(stamp: OwnStamp): Promise<void> {
  const at = await placeOf(stamp);
  for (const name of templatesIn(templates)) {
    const { failure } = await deployTemplate(templates, name, at);
    // A stamp fetches no scripts: what a template's extension downloads is not there, and its machines run all the same.
    if (failure?.includes('VMExtensionProvisioningError') === true)
      console.log(`  ${name}: its extension found no script`);
    else if (failure !== undefined) told(false, `deploy ${name}: ${failure}`);
    for (const finding of await findingsOf(stamp)) {
      await openGuest(stamp, at, finding);
      await confirm(stamp, name, finding);
    }
    await cleanUp(at);
  }
}

/** A client of the conformance suite on a real stamp. */
async function placeOf(stamp: OwnStamp): Promise<Place> {
  const principal = await json(['principal', 'witness', '--role', 'Owner', ...stamp.flags]);
  const status = await json(['status', ...stamp.flags]);
  const endpoints = status['endpoints'] as { readonly management: string; readonly adfs: string };
  const ca = readFileSync(join(stamp.state, 'ca.pem'), 'utf8');
  const { appId, secret } = principal as { readonly appId: string; readonly secret: string };
  const signedIn = () => signIn(endpoints.adfs, { ca, appId, secret, audience: endpoints.management });
  const client = clientOf(endpoints.management, { ca, signedIn });
  return { client, subscription: stamp.subscription, location: stamp.location };
}

async function json(words: readonly string[]): Promise<JsonObject> {
  const at = words.indexOf('--');
  const own = at < 0 ? [...words, '--json'] : [...words.slice(0, at), '--json', ...words.slice(at)];
  const { output } = await run(process.execPath, [...flags, cli, ...own]);
  return JSON.parse(output.trimEnd().split('\n').at(-1) ?? 'null') as JsonObject;
}

async function findingsOf(stamp: OwnStamp): Promise<readonly ToldBreach[]> {
  const { findings } = await json(['show', 'findings', ...stamp.flags]);
  return findings as unknown as readonly ToldBreach[];
}

/** The guest's own firewall counts as open (decision D2.3): here it is, so that the guest answers what arrives. */
async function openGuest(stamp: OwnStamp, { client }: Place, { resource }: ToldBreach): Promise<void> {
  if (resource === undefined) return;
  const { body } = await client('GET', `${resource}?api-version=2018-11-01`);
  const properties = isObject(body) && isObject(body['properties']) ? body['properties'] : {};
  const machine = isObject(properties['virtualMachine']) ? String(properties['virtualMachine']['id']) : '';
  await json(['guest', 'exec', machine, ...stamp.flags, '--', 'nft', 'flush', 'ruleset']);
}

/** The packet of the witness from the internet's own namespace: an answer of any kind, also a refusal, means that it arrived. */
async function confirm(stamp: OwnStamp, name: string, { invariant, says, witness }: ToldBreach): Promise<void> {
  if (witness?.from !== 'internet' || witness.protocol !== 'tcp') return;
  const namespace = `/run/netns/rw${stamp.number}-inet`;
  // A bare stamp's internet has no hosts: the witness's sender becomes one.
  await run('nsenter', [`--net=${namespace}`, 'ip', 'address', 'add', `${witness.source}/32`, 'dev', 'lo']);
  const nc = ['nc', '-z', '-v', '-w', '5', '-s', witness.source];
  const argv = [`--net=${namespace}`, ...nc, witness.target, String(witness.targetPort)];
  const { code, output } = await run('nsenter', argv);
  const isArrived = code === 0 || /refused/i.test(output);
  told(isArrived, `${name}: ${invariant.id}: ${says}: ${code === 0 ? 'connected' : output.trim().slice(-120)}`);
  // What the proof does not call open does not answer: one port beside.
  const closed = [...argv.slice(0, -1), '24'];
  const other = await run('nsenter', closed);
  told(other.code !== 0 && !/refused/i.test(other.output), `${name}: port 24 of ${witness.target} does not answer`);
}
