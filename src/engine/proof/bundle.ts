/** What the operator demands, signed by the operator's key: the prover takes nobody else's word for it (decision D1.2). */

import { generateKeyPairSync, sign, verify, type KeyObject } from 'node:crypto';
import { bundleExemptionsMax, bundleInvariantsMax, bundleLengthMax } from '#base/limits.ts';
import { canonical, deepFreeze, isObject, type JsonObject } from '#base/json.ts';
import { tryPrefix } from '#base/prefix.ts';
import { Refusal } from '#base/wrong.ts';
import {
  finish,
  listOf,
  member,
  note,
  objectOf,
  oneOf,
  readBody,
  shorten,
  textOf,
  textsOf,
  type Reader,
} from '#model/parse.ts';
import { reachRuleOf, refuseOthers } from '#model/authorization/reach-terms.ts';
import { type BaselineOptions, baselineOf } from '#engine/proof/baseline.ts';
import type { Signed } from '#engine/proof/invariants.ts';
import type { Estate } from '#verify/invariant/estate.ts';
import type { Invariant } from '#verify/invariant/invariant.ts';

/** A scope at which an invariant of the operator's does not count, until a time (ms since 1970). */
export type SignedExemption = {
  readonly invariant: string;
  readonly scope: string;
  readonly until: number;
  readonly reason: string;
};

/** A bundle as it is in force. */
export type Bundle = {
  readonly version: number;
  readonly stamp: number;
  readonly morePorts: readonly number[];
  /** Prefixes that just-in-time access may be for; absent: whichever is asked for. */
  readonly openingSources: readonly string[] | undefined;
  readonly invariants: readonly Invariant[];
  readonly exemptions: readonly SignedExemption[];
};

/** The text of a bundle: `{"bundle": …, "signature": base64}`. The signature (Ed25519) is over the canonical JSON of `bundle`. */
export function signBundle(bundle: JsonObject, key: KeyObject): string {
  const signature = sign(null, Buffer.from(canonical(bundle)), key).toString('base64');
  return JSON.stringify({ bundle, signature });
}

/** A fresh pair of PEM texts: the operator's key, and the pin that the prover holds. */
export function generateOperatorKeys(): { readonly privatePem: string; readonly publicPem: string } {
  const pair = generateKeyPairSync('ed25519');
  return {
    privatePem: pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    publicPem: pair.publicKey.export({ type: 'spki', format: 'pem' }).toString(),
  };
}

/** Reads a signed bundle. Refuses one that is not the operator's, for another stamp, or not newer than `after`. */
export function bundleOf(
  text: string,
  { key, stamp, after }: { key: KeyObject; stamp: number; after: number },
): Bundle {
  const { bundle, signature } = parsed(text);
  if (!verify(null, Buffer.from(canonical(bundle)), key, Buffer.from(signature, 'base64')))
    throw new Refusal('BundleUnsigned', "The policy bundle does not carry the operator's signature.", { status: 403 });
  const read = readBundle(bundle);
  if (read.stamp !== stamp)
    throw new Refusal('BundleForeign', `The policy bundle is for stamp ${read.stamp}, this is stamp ${stamp}.`);
  if (read.version <= after) {
    const says = `The policy bundle has version ${read.version}; one above ${after} is wanted.`;
    throw new Refusal('BundleTooOld', says, { status: 409, target: '/version' });
  }
  return read;
}

function parsed(text: string): { readonly bundle: JsonObject; readonly signature: string } {
  let value: unknown;
  try {
    value = text.length > bundleLengthMax ? undefined : JSON.parse(text);
  } catch {
    value = undefined;
  }
  if (isObject(value) && isObject(value['bundle']) && typeof value['signature'] === 'string')
    return { bundle: value['bundle'], signature: value['signature'] };
  throw new Refusal('BundleMalformed', 'The policy bundle is not JSON of the form {"bundle": {…}, "signature": "…"}.');
}

/** Reads what a bundle states; every mistake is refused with its pointer. */
export function readBundle(stated: JsonObject): Bundle {
  const body = readBody(stated);
  refuseOthers(body, ['version', 'stamp', 'moreManagementPorts', 'openingSources', 'invariants', 'exemptions']);
  const version = wholeOf(body, 'version');
  const stamp = wholeOf(body, 'stamp');
  const morePorts = portsOf(body);
  const openingSources = textsOf(body, 'openingSources', bundleExemptionsMax);
  for (const [index, text] of (openingSources ?? []).entries())
    if (tryPrefix(text) === undefined)
      note(body, `openingSources/${index}`, `a prefix such as 203.0.113.0/24 is wanted, not "${shorten(text)}"`);
  const invariants = (listOf(body, 'invariants', bundleInvariantsMax) ?? []).flatMap((one) => invariantOf(one) ?? []);
  const exemptions = (listOf(body, 'exemptions', bundleExemptionsMax) ?? []).flatMap((one) => exemptionOf(one) ?? []);
  finish(body);
  return deepFreeze({ version, stamp, morePorts, openingSources, invariants, exemptions });
}

function wholeOf(reader: Reader, name: string): number {
  const value = member(reader, name);
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  note(reader, name, 'a whole number is wanted');
  return 0;
}

function portsOf(reader: Reader): readonly number[] {
  const value = member(reader, 'moreManagementPorts') ?? [];
  const isPorts =
    Array.isArray(value) && value.every((port) => Number.isInteger(port) && Number(port) > 0 && Number(port) < 65_536);
  if (!isPorts) note(reader, 'moreManagementPorts', 'a list of ports from 1 to 65535 is wanted');
  return isPorts ? (value as number[]) : [];
}

function invariantOf(reader: Reader): Invariant | undefined {
  refuseOthers(reader, ['name', 'title', 'effect', 'scope', 'exclude', 'invariant']);
  const name = textOf(reader, 'name', { required: true, lengthMax: 64 });
  const title = textOf(reader, 'title', { lengthMax: 128 });
  const effect = oneOf(reader, 'effect', ['deny', 'audit']) ?? 'deny';
  const scope = textOf(reader, 'scope', { lengthMax: 2048 });
  const exclude = textsOf(reader, 'exclude', bundleExemptionsMax) ?? [];
  const stated = objectOf(reader, 'invariant');
  if (stated === undefined) {
    note(reader, 'invariant', 'an object with the member "kind" is wanted');
    return undefined;
  }
  const rule = reachRuleOf(stated, { scope: scope ?? '', isTenant: false, isOpen: false });
  if (name === undefined || rule === undefined) return undefined;
  return {
    id: `operator/${name.toLowerCase()}`,
    title: title ?? name,
    effect,
    owner: 'operator',
    ...(scope === undefined ? {} : { scope: scope.toLowerCase() }),
    exclude: exclude.map((one) => one.toLowerCase()),
    ...rule,
  } as Invariant;
}

function exemptionOf(reader: Reader): SignedExemption | undefined {
  refuseOthers(reader, ['invariant', 'scope', 'until', 'reason']);
  const invariant = textOf(reader, 'invariant', { required: true, lengthMax: 128 });
  const scope = textOf(reader, 'scope', { required: true, lengthMax: 2048 });
  const stated = textOf(reader, 'until', { required: true, lengthMax: 64 });
  const reason = textOf(reader, 'reason', { required: true, lengthMax: 512 });
  const until = stated === undefined ? Number.NaN : Date.parse(stated);
  if (stated !== undefined && Number.isNaN(until))
    note(reader, 'until', 'a time such as 2027-01-31T12:00:00Z is wanted');
  if (invariant === undefined || scope === undefined || reason === undefined || Number.isNaN(until)) return undefined;
  return { invariant: invariant.toLowerCase(), scope: scope.toLowerCase(), until, reason };
}

/** Holds the newest bundle and says what it demands; exemptions that have run out by the clock no longer count. */
export class SignedBundle {
  readonly #now: () => number;
  readonly #options: BaselineOptions;
  #bundle: Bundle = {
    version: 0,
    stamp: 0,
    morePorts: [],
    openingSources: undefined,
    invariants: [],
    exemptions: [],
  };
  /** By id: what is demanded in the same words stays the same object, and is not taken for new. */
  readonly #kept = new Map<string, { readonly text: string; readonly invariant: Invariant }>();
  #last: { readonly inputs: readonly unknown[]; readonly invariants: readonly Invariant[] } | undefined;

  constructor(now: () => number, options: BaselineOptions = {}) {
    this.#now = now;
    this.#options = options;
  }

  get version(): number {
    return this.#bundle.version;
  }

  /** From now on this bundle counts. */
  take(bundle: Bundle): void {
    this.#bundle = bundle;
  }

  /** What is demanded of an estate: the same objects as long as nothing about it changed. */
  readonly demands: Signed = ({ estate }) => {
    const open = this.#bundle.exemptions.filter(({ until }) => until > this.#now());
    const inputs = [this.#bundle, estate.endpoints, open.length];
    if (this.#last?.inputs.every((input, index) => input === inputs[index]) === true) return this.#last.invariants;
    const invariants = this.#demanded(estate, open);
    this.#last = { inputs, invariants };
    return invariants;
  };

  #demanded(estate: Estate, open: readonly SignedExemption[]): readonly Invariant[] {
    const { morePorts, openingSources, invariants } = this.#bundle;
    const bound = (one: Invariant): Invariant =>
      one.kind === 'never' && openingSources !== undefined ? { ...one, openings: openingSources } : one;
    const all = [...baselineOf(estate, { ...this.#options, morePorts }), ...invariants].map(bound);
    const demanded = all.map((one) => {
      const scopes = open.filter(({ invariant }) => invariant === one.id).map(({ scope }) => scope);
      return this.#same(scopes.length === 0 ? one : { ...one, exclude: [...one.exclude, ...scopes] });
    });
    return Object.freeze(demanded);
  }

  #same(invariant: Invariant): Invariant {
    const text = JSON.stringify(invariant);
    const before = this.#kept.get(invariant.id);
    if (before?.text === text) return before.invariant;
    this.#kept.set(invariant.id, { text, invariant: deepFreeze(invariant) });
    return invariant;
  }
}
