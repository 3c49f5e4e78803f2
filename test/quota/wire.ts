/** Requests to the stamp under test: over connections that stay open, with a token that is renewed in time; a broken connection is an answer too. */

import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import type { Json, JsonObject } from '#base/json.ts';
import { StampLine } from '#main/bind/stamp-call.ts';
import { generateProofKey, readProofKey } from '#engine/identity/proof-maker.ts';

/** Status 0: no answer came. */
export type Reply = { readonly status: number; readonly body: JsonObject };

/** Form fields that get a token. */
export type SignIn = { readonly [field: string]: string };

const tokenUsedMs = 4 * 60_000;

/** A client of one plane with one identity. Tokens of the plane of administration are bound to a key. */
export class Wire {
  readonly #agent: Agent;
  readonly #base: string;
  readonly #login: string;
  readonly #form: SignIn;
  readonly #line: StampLine | undefined;
  #token = { text: '', until: 0 };
  #signing: Promise<string> | undefined;

  private constructor(at: { base: string; login: string; ca: string; form: SignIn }, line: StampLine | undefined) {
    this.#agent = new Agent({ ca: at.ca, keepAlive: true, maxSockets: 64 });
    this.#base = at.base;
    this.#login = at.login;
    this.#form = { ...at.form, scope: `${at.base}/.default` };
    this.#line = line;
  }

  static async open(
    at: { readonly base: string; readonly login: string; readonly caFile: string; readonly form: SignIn },
    isBound: boolean,
  ): Promise<Wire> {
    const ca = readFileSync(at.caFile, 'utf8');
    const line = isBound ? new StampLine(await readProofKey(generateProofKey()), ca) : undefined;
    return new Wire({ ...at, ca }, line);
  }

  close(): void {
    this.#agent.destroy();
    this.#line?.close();
  }

  async send(method: string, path: string, body?: Json): Promise<Reply> {
    const text = body === undefined ? '' : JSON.stringify(body);
    try {
      const token = await this.#signedIn();
      const headers = {
        authorization: `${this.#line === undefined ? 'Bearer' : 'DPoP'} ${token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        'content-length': String(Buffer.byteLength(text)),
      };
      return await this.#sent({ method, url: `${this.#base}${path}`, headers, text, token });
    } catch {
      return { status: 0, body: {} };
    }
  }

  /** As `send`; anything but a success is an error. */
  async want(method: string, path: string, body?: Json): Promise<JsonObject> {
    const reply = await this.send(method, path, body);
    if (reply.status >= 200 && reply.status < 300) return reply.body;
    throw new Error(`${method} ${path}: ${reply.status} ${JSON.stringify(reply.body)}`);
  }

  async #signedIn(): Promise<string> {
    if (this.#token.until > Date.now()) return this.#token.text;
    this.#signing ??= this.#askToken().finally(() => {
      this.#signing = undefined;
    });
    return await this.#signing;
  }

  async #askToken(): Promise<string> {
    const text = new URLSearchParams(this.#form).toString();
    const headers = {
      'content-type': 'application/x-www-form-urlencoded',
      'content-length': String(Buffer.byteLength(text)),
    };
    const { status, body } = await this.#sent({ method: 'POST', url: this.#login, headers, text });
    if (status !== 200) throw new Error(`sign-in: ${status} ${JSON.stringify(body)}`);
    this.#token = { text: String(body['access_token']), until: Date.now() + tokenUsedMs };
    return this.#token.text;
  }

  async #sent(call: {
    readonly method: string;
    readonly url: string;
    readonly headers: Record<string, string>;
    readonly text: string;
    readonly token?: string;
  }): Promise<Reply> {
    const { method, url, headers, text, token } = call;
    if (this.#line !== undefined) {
      const proof = token === undefined ? {} : { token };
      const answer = await this.#line.call({ method, url, headers, body: Buffer.from(text), proof });
      return { status: answer.status, body: parsed(answer.body) };
    }
    return await new Promise((resolve, reject) => {
      const sent = request(url, { method, headers, agent: this.#agent, timeout: 30_000 }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body: parsed(Buffer.concat(chunks)) }));
      });
      sent.on('timeout', () => sent.destroy(new Error('no answer in time')));
      sent.on('error', reject);
      sent.end(text);
    });
  }
}

function parsed(bytes: Buffer): JsonObject {
  return bytes.length === 0 ? {} : (JSON.parse(bytes.toString('utf8')) as JsonObject);
}
