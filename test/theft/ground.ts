/** The ground of the theft suite: a model with both planes, people and programs on it, and a way to ask from any address. */

import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:https';
import type { IncomingHttpHeaders } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isObject, type JsonObject } from '#base/json.ts';
import { Secret } from '#base/secret.ts';
import { owner } from '#access/roles.ts';
import { readCertificate } from '#engine/identity/certificate.ts';
import { generateProofKey, makeProof, readProofKey, type ProofKey } from '#engine/identity/proof-maker.ts';
import { addCertificate } from '#engine/identity/service-principals.ts';
import type { StoredTokenKeys } from '#engine/identity/token-keys.ts';
import { createUser } from '#engine/identity/users.ts';
import { roleAssignment } from '#main/boot/first-resources.ts';
import { bootWith } from '#main/boot/boot.ts';
import { startModel, type ModelStamp } from '#main/boot/model.ts';
import { readSettings } from '#main/boot/settings.ts';
import { makeClientCertificate, type ClientCertificate } from '#test/peers/certificate.ts';

export const password = 'violet anchor rides north';
export const azId = '04b07795-8ddb-461a-bbee-02f9e1bf7b46';
/** Where a thief sits: another network than the tests' own 127.0.0.0/24. */
export const elsewhere = '127.9.9.9';

export type Reply = { readonly status: number; readonly headers: IncomingHttpHeaders; readonly json: JsonObject };

export type Call = {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly form?: Readonly<Record<string, string>>;
  readonly json?: JsonObject;
  readonly from?: string;
  readonly certificate?: ClientCertificate;
};

export type Person = { readonly oid: string; readonly name: string };
export type Program = { readonly oid: string; readonly appId: string; readonly secret: string };

/** What the rows work with. */
export class Ground {
  readonly model: ModelStamp;
  readonly admin: string;
  readonly key: ProofKey;
  readonly thiefKey: ProofKey;
  readonly certificate: ClientCertificate;
  readonly otherCertificate: ClientCertificate;
  readonly keys: StoredTokenKeys;
  readonly networkBound: Set<string>;
  readonly #nonces = new Map<string, string>();
  readonly #close: () => Promise<void>;

  constructor(
    parts: Pick<
      Ground,
      'model' | 'admin' | 'key' | 'thiefKey' | 'certificate' | 'otherCertificate' | 'keys' | 'networkBound'
    >,
    close: () => Promise<void>,
  ) {
    this.model = parts.model;
    this.admin = parts.admin;
    this.key = parts.key;
    this.thiefKey = parts.thiefKey;
    this.certificate = parts.certificate;
    this.otherCertificate = parts.otherCertificate;
    this.keys = parts.keys;
    this.networkBound = parts.networkBound;
    this.#close = close;
  }

  get tokenUrl(): string {
    return `${this.model.endpoints.adfs}/adfs/oauth2/token/`;
  }

  get subscriptions(): string {
    return `${this.model.endpoints.management}/subscriptions?api-version=2022-12-01`;
  }

  get adminSubscriptions(): string {
    return `${this.admin}/subscriptions?api-version=2022-12-01`;
  }

  close(): Promise<void> {
    return this.#close();
  }

  ask(url: string, { method = 'GET', headers = {}, form, json, from, certificate }: Call = {}): Promise<Reply> {
    const body =
      form !== undefined ? String(new URLSearchParams(form)) : json === undefined ? '' : JSON.stringify(json);
    const type = form !== undefined ? 'application/x-www-form-urlencoded' : 'application/json';
    const sent = {
      ...(body === '' ? {} : { 'content-type': type, 'content-length': String(Buffer.byteLength(body)) }),
      ...headers,
    };
    const own = certificate === undefined ? {} : { cert: certificate.certificatePem, key: certificate.keyPem };
    const address = from === undefined ? {} : { localAddress: from };
    const options = { method, headers: sent, ca: this.model.caPem, agent: false as const, ...own, ...address };
    return new Promise((resolve, reject) => {
      const call = request(url, options, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString('utf8');
          const answered: unknown = text.startsWith('{') ? JSON.parse(text) : {};
          const nonce = response.headers['dpop-nonce'];
          if (typeof nonce === 'string') this.#nonces.set(new URL(url).origin, nonce);
          resolve({ status: response.statusCode ?? 0, headers: response.headers, json: answered as JsonObject });
        });
      });
      call.on('error', reject).end(body);
    });
  }

  /** A proof for one request, with the nonce of `at`: where the request goes, when that is not what the proof names. */
  async proof(wish: {
    readonly url: string;
    readonly method?: string;
    readonly token?: string;
    readonly by?: ProofKey;
    readonly at?: string;
  }): Promise<string> {
    const { url, method = 'GET', token, by = this.key, at = url } = wish;
    const { origin } = new URL(at);
    if (!this.#nonces.has(origin) && at === this.tokenUrl) await this.#learnTokenNonce();
    return await makeProof(by, { url, method, token, nonce: this.#nonces.get(origin), nowMs: Date.now() });
  }

  /** Learns the nonce of a face by a proof without one; that is a step on the way and nothing to audit. */
  async learnNonce(url: string, token: string): Promise<void> {
    const dpop = await makeProof(this.key, { url, method: 'GET', token, nowMs: Date.now() });
    await this.ask(url, { headers: { dpop, authorization: `DPoP ${token}` } });
  }

  async #learnTokenNonce(): Promise<void> {
    const dpop = await makeProof(this.key, { url: this.tokenUrl, method: 'POST', nowMs: Date.now() });
    await this.ask(this.tokenUrl, {
      method: 'POST',
      headers: { dpop },
      form: { grant_type: 'password', client_id: azId },
    });
  }

  /** Asks for tokens; with `by`, bound to that key. */
  async token(
    form: Readonly<Record<string, string>>,
    more: { readonly by?: ProofKey; readonly certificate?: ClientCertificate } = {},
  ): Promise<Reply> {
    const url = this.tokenUrl;
    const { by, certificate } = more;
    const headers: Record<string, string> =
      by === undefined ? {} : { dpop: await this.proof({ url, method: 'POST', by }) };
    return await this.ask(url, {
      method: 'POST',
      form,
      headers,
      ...(certificate === undefined ? {} : { certificate }),
    });
  }

  /** The access token of an answer that must be good. */
  access({ status, json }: Reply): string {
    if (status !== 200) throw new Error(`no token: ${status} ${JSON.stringify(json)}`);
    return String(json['access_token']);
  }

  byPassword({ name }: Person, more: Readonly<Record<string, string>> = {}): Record<string, string> {
    return {
      grant_type: 'password',
      client_id: azId,
      username: name,
      password,
      scope: 'openid offline_access',
      ...more,
    };
  }

  bySecret({ appId, secret }: Program, audience = this.model.endpoints.management): Record<string, string> {
    return { grant_type: 'client_credentials', client_id: appId, client_secret: secret, scope: `${audience}/.default` };
  }

  /** A person who owns the subscription. */
  async person(name: string): Promise<Person> {
    const made = await this.stranger(name);
    await this.assign(made.oid, 'User', `/subscriptions/${this.model.prepared.subscriptionId}`);
    return made;
  }

  /** A person without any role. */
  async stranger(name: string): Promise<Person> {
    const { directory } = this.model.assembly;
    const upn = `${name}@${directory.domain}`;
    const user = await createUser(directory, { upn, displayName: name, password: new Secret(password) });
    return { oid: user.id, name: upn };
  }

  /** Gives the role Owner at a scope; answers the assignment's id. */
  async assign(principalId: string, type: 'User' | 'ServicePrincipal', scope: string): Promise<string> {
    const { engine } = this.model.assembly;
    const { now } = engine.context('2020-09-01');
    const common = { etag: 'W/"1"', createdAt: now, changedAt: now };
    const made = roleAssignment({ scope, principalId, role: owner.id, type }, common);
    await engine.gate.change((draft) => {
      draft.put(made);
      return { value: undefined, about: { subscription: '' } };
    });
    return made.id;
  }

  async program(name: string): Promise<Program> {
    const made = await this.model.operator.createServicePrincipal({ name, role: 'Owner' });
    return { oid: made.oid, appId: made.appId, secret: made.secret ?? '' };
  }

  /** A program whose registered certificate is the ground's. */
  async certified(name: string): Promise<Program> {
    const made = await this.program(name);
    const read = readCertificate(this.certificate.certificatePem, 'key');
    await addCertificate(this.model.assembly.directory, made.oid, read);
    return made;
  }

  /** The newest entry's place in the audit; entries after it are what an attempt has left. */
  mark(): number {
    return this.#audits(1)[0]?.sequence ?? 0;
  }

  /** The first refusal written after a mark, waited for a little: the answer does not wait for the audit. */
  async refusedAfter(mark: number): Promise<JsonObject | undefined> {
    for (let tries = 0; tries < 50; tries += 1) {
      const found = this.#audits(40).findLast(({ sequence, entry }) => sequence > mark && entry.outcome === 'Refused');
      if (found !== undefined) return found.entry as unknown as JsonObject;
      await sleep(20);
    }
    return undefined;
  }

  /** The newest entries, newest first. */
  #audits(limit: number) {
    return this.model.assembly.store.audits({ before: Number.MAX_SAFE_INTEGER, limit }).lines;
  }
}

/** Brings it up. */
export async function openGround(): Promise<Ground> {
  const folder = mkdtempSync(join(tmpdir(), 'ringwall-theft-'));
  const networkBound = new Set<string>();
  const model = await startModel({
    settings: readSettings({ number: 24, state: join(folder, 'state') }),
    networkBound: ({ oid }) => networkBound.has(oid),
  });
  const stored = JSON.parse(bootWith(model.prepared.boots.stampd).secret('tokens').reveal()) as StoredTokenKeys;
  const [key, thiefKey] = [await readProofKey(generateProofKey()), await readProofKey(generateProofKey())];
  const [certificate, otherCertificate] = [await makeClientCertificate('svc'), await makeClientCertificate('svc')];
  const parts = {
    model,
    admin: model.endpoints.adminManagement,
    key,
    thiefKey,
    certificate,
    otherCertificate,
    keys: stored,
    networkBound,
  };
  return new Ground(parts, async () => {
    await model.close();
    rmSync(folder, { recursive: true, force: true });
  });
}

/** A call with a plain token. */
export function bearer(token: string, more: Call = {}): Call {
  return { ...more, headers: { authorization: `Bearer ${token}` } };
}

/** `error.code` of ARM, `error` of OAuth. */
export function codeOf({ json }: Reply): string {
  const { error } = json;
  if (typeof error === 'string') return error;
  return isObject(error) && typeof error['code'] === 'string' ? error['code'] : '';
}
