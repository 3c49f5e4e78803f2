/** A whole stamp for the attacks that need one: the lab brought up by the command line, its principals, and its processes by name. */

import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LinkClient } from '#adapters/link/client.ts';
import { namespacesWith } from '#adapters/linux/netns.ts';
import { root } from '#tools/sources.ts';

export type Answer = {
  readonly status: number;
  readonly body: unknown;
  readonly text: string;
  readonly headers: { readonly [name: string]: unknown };
};
export type Outcome = { readonly code: number; readonly stdout: string; readonly stderr: string };
export type Principal = { readonly appId: string; readonly oid: string; readonly secret: string };

type Up = {
  readonly state: string;
  readonly endpoints: {
    readonly management: string;
    readonly adminManagement: string;
    readonly adfs: string;
    readonly graph: string;
  };
  readonly ca: string;
  readonly tenantId: string;
  readonly subscriptionId: string;
};

const flags = [
  '--disallow-code-generation-from-strings',
  '--disable-proto=throw',
  '--disable-warning=ExperimentalWarning',
];
/** Numbers of the tests' own stamps; the first free one is taken. */
const [numberFirst, numberLast] = [40, 63];

/** Brings the lab up; whatever came up of it goes down again when that fails. */
export async function bringUpLab(): Promise<Lab> {
  const number = freeNumber();
  const folder = mkdtempSync(join(tmpdir(), 'ringwall-attack-'));
  chmodSync(folder, 0o711);
  const state = join(folder, 'state');
  const own = ['--stamp', String(number), '--state', state];
  const up = await ringwall(['up', ...own, '--lab', 'three-tier', '--detach', '--json']);
  const said = up.stdout.trim().split('\n').at(-1) ?? '';
  if (up.code !== 0) {
    await ringwall(['down', ...own, '--purge']);
    rmSync(folder, { recursive: true, force: true });
    throw new Error(`The lab did not come up: ${said} ${up.stderr.slice(-500)}`);
  }
  return new Lab({ number, folder, up: JSON.parse(said) as Up });
}

function freeNumber(): number {
  const given = Number(process.env['RINGWALL_TEST_STAMP'] ?? Number.NaN);
  if (Number.isInteger(given)) return given;
  for (let number = numberFirst; number <= numberLast; number++)
    if (namespacesWith(`rw${number}-`).length === 0 && !existsSync(`/run/ringwall/${number}`)) return number;
  throw new Error('All stamp numbers for tests are in use.');
}

/** The command line, as an operator has it. */
async function ringwall(argv: readonly string[], timeoutMs = 90_000): Promise<Outcome> {
  return await run([process.execPath, ...flags, join(root, 'src/main/cli.ts'), ...argv], { timeoutMs });
}

/** A command with what it said; nothing of it goes through a shell. */
export async function run(
  argv: readonly string[],
  { timeoutMs = 30_000, input = '', uid }: { timeoutMs?: number; input?: string; uid?: number } = {},
): Promise<Outcome> {
  const drop = uid === undefined ? [] : ['setpriv', `--reuid=${uid}`, `--regid=${uid}`, '--clear-groups', '--'];
  const [program = '', ...rest] = [...drop, ...argv];
  return await new Promise((resolve, reject) => {
    const child = spawn(program, rest, { stdio: ['pipe', 'pipe', 'pipe'], timeout: timeoutMs, killSignal: 'SIGKILL' });
    const [out, errors]: [Buffer[], Buffer[]] = [[], []];
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => errors.push(chunk));
    child.stdin.on('error', () => undefined);
    child.on('error', reject);
    child.on('close', (code) =>
      resolve({ code: code ?? 137, stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(errors).toString() }),
    );
    child.stdin.end(input);
  });
}

export type Wanted = {
  readonly token?: string | undefined;
  readonly method?: string;
  readonly body?: unknown;
  readonly raw?: string | Buffer;
  readonly headers?: { readonly [name: string]: string };
};

export class Lab {
  readonly number: number;
  readonly folder: string;
  readonly up: Up;
  readonly #ca: string;

  constructor({ number, folder, up }: { number: number; folder: string; up: Up }) {
    [this.number, this.folder, this.up] = [number, folder, up];
    this.#ca = readFileSync(up.ca, 'utf8');
  }

  get ca(): string {
    return this.#ca;
  }

  get state(): string {
    return join(this.folder, 'state');
  }

  get subscription(): string {
    return `/subscriptions/${this.up.subscriptionId}`;
  }

  machine(name: string): string {
    return `${this.subscription}/resourceGroups/lab-three-tier/providers/Microsoft.Compute/virtualMachines/${name}`;
  }

  async down(): Promise<void> {
    await ringwall(['down', '--stamp', String(this.number), '--state', this.state, '--purge']);
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** A command of the operator's for this stamp. */
  async command(argv: readonly string[], timeoutMs?: number): Promise<Outcome> {
    const [words, rest] =
      argv[0] === 'guest' || argv[0] === 'show' ? [argv.slice(0, 2), argv.slice(2)] : [argv.slice(0, 1), argv.slice(1)];
    return await ringwall([...words, '--stamp', String(this.number), '--state', this.state, ...rest], timeoutMs);
  }

  /** As the guest's root, over the operator's socket; a fault of the stamp counts as code 255. */
  async inGuest(name: string, script: string, timeoutMs = 30_000): Promise<Outcome> {
    const link = new LinkClient('stampd', `/run/ringwall/${this.number}/stampd/cli/socket`);
    try {
      return await link.call<Outcome>(
        'exec',
        [this.machine(name), ['sh', '-c', script], { timeoutMs }],
        timeoutMs + 5000,
      );
    } catch (error) {
      return { code: 255, stdout: '', stderr: error instanceof Error ? error.message : String(error) };
    } finally {
      link.close();
    }
  }

  async principal(name: string, role: string, scope?: string): Promise<Principal> {
    const where = scope === undefined ? [] : ['--scope', scope];
    const made = await this.command(['principal', name, '--role', role, ...where, '--json']);
    if (made.code !== 0) throw new Error(`No principal: ${made.stderr}`);
    return JSON.parse(made.stdout) as Principal;
  }

  async token({ appId, secret }: Principal, resource = this.up.endpoints.management): Promise<string> {
    const form = new URLSearchParams({
      grant_type: 'client_credentials',
      client_id: appId,
      client_secret: secret,
      scope: `${resource}/.default`,
    });
    const { body, text } = await this.ask(`${this.up.endpoints.adfs}/adfs/oauth2/token`, {
      method: 'POST',
      raw: form.toString(),
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    });
    const token = (body as { access_token?: string } | undefined)?.access_token;
    if (token === undefined) throw new Error(`No token: ${text}`);
    return token;
  }

  /** One HTTP request; a connection that the stamp ends without an answer has status 0. */
  async ask(url: string, { token, method = 'GET', body, raw, headers = {} }: Wanted = {}): Promise<Answer> {
    const sent = raw ?? (body === undefined ? undefined : JSON.stringify(body));
    const all = {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(sent === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    };
    return await new Promise((resolve) => {
      const call = request(url, { method, headers: all, ca: this.#ca, agent: false, timeout: 30_000 }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', () => resolve(cut));
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString();
          resolve({ status: response.statusCode ?? 0, body: parsed(text), text, headers: response.headers });
        });
      });
      call.on('timeout', () => call.destroy());
      call.on('error', () => resolve(cut));
      call.end(sent);
    });
  }

  /** A request to ARM below the subscription. */
  async arm(path: string, wanted: Wanted = {}): Promise<Answer> {
    const version = path.includes('api-version=')
      ? ''
      : `${path.includes('?') ? '&' : '?'}api-version=${versionOf(path)}`;
    return await this.ask(
      `${this.up.endpoints.management}${path.startsWith('/subscriptions') ? '' : this.subscription}${path}${version}`,
      wanted,
    );
  }

  /** Sends and follows to the end: the last answer. */
  async armEnd(path: string, wanted: Wanted = {}): Promise<Answer> {
    let answer = await this.arm(path, wanted);
    const poll = answer.headers['azure-asyncoperation'] ?? answer.headers['location'];
    if (typeof poll !== 'string' || answer.status >= 400) return answer;
    for (let tries = 0; tries < 100; tries++) {
      answer = await this.ask(poll, { token: wanted.token });
      const status = (answer.body as { status?: string } | undefined)?.status;
      if (answer.status !== 202 && status !== 'Running' && status !== 'Accepted' && status !== 'InProgress')
        return answer;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    return answer;
  }
}

const cut: Answer = { status: 0, body: undefined, text: '', headers: {} };

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function versionOf(path: string): string {
  if (path.includes('/Microsoft.Network/')) return '2018-11-01';
  if (path.includes('/Microsoft.Compute/')) return '2020-06-01';
  if (path.includes('/Microsoft.Authorization/')) return path.includes('locks') ? '2016-09-01' : '2015-07-01';
  return '2019-10-01';
}
