/** The operator's own policies: shown, replaced, and exempted from, each time signed with the operator's key on the stamp's own host. */

import { createHash } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isObject, type JsonObject } from '#base/json.ts';
import { Refusal } from '#base/wrong.ts';
import { readPrivateKey } from '#engine/gate/record.ts';
import { readBundle, signBundle } from '#engine/proof/bundle.ts';
import type { Findings } from '#engine/ports.ts';
import { placesOf } from '#main/boot/places.ts';
import type { Settings } from '#main/boot/settings.ts';
import { findingsText } from '#main/command/breach-text.ts';
import { print, withSocket } from '#main/command/options.ts';
import { targetOf, withTarget, type TargetOptions } from '#main/command/target.ts';

/** `ringwall policy show` */
export function showPolicy(options: TargetOptions): void {
  const bundle = bundleIn(targetOf(options).settings);
  print(options, bundle, JSON.stringify(bundle, undefined, 2));
}

/** `ringwall policy set FILE`: invariants and ports of the file take the place of those before; version and stamp are written by us. */
export async function setPolicy(file: string, options: TargetOptions): Promise<void> {
  const stated = readJson(file);
  await change(options, (before) => ({ ...stated, version: before.version + 1, stamp: before.stamp }));
}

export type ExemptOptions = TargetOptions & { readonly scope: string; readonly until: string; readonly reason: string };

/** `ringwall policy exempt INVARIANT --scope ID --until TIME --reason TEXT` */
export async function exemptFrom(invariant: string, options: ExemptOptions): Promise<void> {
  const { scope, until, reason } = options;
  await change(options, (before) => {
    const exemptions = Array.isArray(before.exemptions) ? before.exemptions : [];
    return { ...before, version: before.version + 1, exemptions: [...exemptions, { invariant, scope, until, reason }] };
  });
}

type Stated = JsonObject & { readonly version: number; readonly stamp: number };

/** Signs the changed bundle, keeps it for the next start, and gives it to a prover that runs. */
async function change(options: TargetOptions, next: (before: Stated) => JsonObject): Promise<void> {
  const { kind, settings } = targetOf(options);
  const places = placesOf(settings);
  const bundle = next(bundleIn(settings));
  readBundle(bundle);
  const key = join(places.keys, 'operator.json');
  if (!existsSync(key)) {
    throw new Refusal('OperatorKeyMissing', `There is no ${key}; "ringwall up" makes it at the first start.`);
  }
  const { privatePem } = JSON.parse(readFileSync(key, 'utf8')) as { readonly privatePem: string };
  const text = signBundle(bundle, readPrivateKey(privatePem));
  const socket = places.socket('proofd', 'operator');
  const isRunning = kind === 'stamp' && existsSync(socket);
  // Durable before it is in force, and for the next start only when the prover took it.
  writeFileSync(unsettled(places.policy), text, { mode: 0o600, flush: true });
  const answer = isRunning ? await taken(options, { socket, text, bundle }) : undefined;
  renameSync(unsettled(places.policy), places.policy);
  const found = answer?.findings ?? { told: [], more: 0 };
  const count = found.told.length + found.more;
  const said = isRunning
    ? `Version ${String(bundle['version'])} is in force. ${count === 0 ? findingsText(found) : `${count} stand broken:\n${findingsText(found)}`}`
    : `Version ${String(bundle['version'])} is signed; it counts from the next start.`;
  print(options, { version: bundle['version'] ?? 0, inForce: isRunning, findings: found.told, more: found.more }, said);
}

type Taken = { readonly version: number; readonly findings: Findings };
type Taking = { readonly socket: string; readonly text: string; readonly bundle: JsonObject };

/** Gives it to the prover once the audit has it; that it was not taken stands there as well. */
async function taken(options: TargetOptions, { socket, text, bundle }: Taking): Promise<Taken> {
  const about = { version: bundle['version'] ?? 0, digest: createHash('sha256').update(text).digest('hex') };
  return await withTarget(options, async (control) => {
    await control.call('policySigned', [about]);
    try {
      return await withSocket(socket, 'proofd', (link) => link.call<Taken>('policy', [text]));
    } catch (error) {
      await control.call('policySigned', [{ ...about, code: error instanceof Refusal ? error.code : 'Failed' }]);
      throw error;
    }
  });
}

/** What was signed last; without any, an empty bundle of version 0. The prover may have taken one that a crash kept from being settled: its version is spent. */
function bundleIn(settings: Settings): Stated {
  const { policy } = placesOf(settings);
  const settled = bundleAt(policy) ?? { version: 0, stamp: settings.number };
  return { ...settled, version: Math.max(settled.version, spentVersion(unsettled(policy))) };
}

/** What is half written was never given to a prover. */
function spentVersion(file: string): number {
  try {
    return bundleAt(file)?.version ?? 0;
  } catch (error) {
    if (error instanceof Refusal) return 0;
    throw error;
  }
}

function bundleAt(file: string): Stated | undefined {
  if (!existsSync(file)) return undefined;
  const { bundle } = readJson(file);
  const whole = isObject(bundle) ? bundle : {};
  const { version, stamp } = readBundle(whole);
  return { ...whole, version, stamp };
}

function unsettled(policy: string): string {
  return `${policy}.new`;
}

function readJson(file: string): JsonObject {
  if (!existsSync(file)) throw new Refusal('FileMissing', `There is no file ${file}.`, { target: file });
  try {
    const value: unknown = JSON.parse(readFileSync(file, 'utf8'));
    if (isObject(value)) return value;
  } catch (error) {
    throw new Refusal('FileMalformed', `${file} is not JSON: ${error instanceof Error ? error.message : ''}.`);
  }
  throw new Refusal('FileMalformed', `${file} does not hold a JSON object.`);
}
