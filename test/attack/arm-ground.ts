/** The ground of the attacks on ARM: two groups, three callers, and what every answer must be. */

import { connect } from 'node:tls';
import type { Answer, Lab } from '#test/attack/lab.ts';
import type { Attempt } from '#test/attack/row.ts';

export type Callers = {
  readonly owner: string;
  readonly reader: string;
  readonly narrow: string;
  readonly narrowOid: string;
};

export const group = '/resourceGroups/one';
export const network = `${group}/providers/Microsoft.Network`;
export const foreign = '/resourceGroups/two/providers/Microsoft.Network';

/** The groups: `narrow` is Contributor of `one` alone; `two` is a stranger's. */
export async function prepareArm(lab: Lab): Promise<Callers> {
  const owner = await lab.token(await lab.principal('attack-owner', 'Owner'));
  for (const name of ['one', 'two'])
    mustBe(
      await lab.arm(`/resourceGroups/${name}`, { token: owner, method: 'PUT', body: { location: 'local' } }),
      [200, 201],
    );
  const subnets = [{ name: 's', properties: { addressPrefix: '10.50.0.0/24' } }];
  const vnet = { location: 'local', properties: { addressSpace: { addressPrefixes: ['10.50.0.0/16'] }, subnets } };
  for (const where of [network, foreign])
    mustBe(await lab.armEnd(`${where}/virtualNetworks/vnet`, { token: owner, method: 'PUT', body: vnet }), [200, 201]);
  mustBe(
    await lab.armEnd(`${foreign}/networkSecurityGroups/secret`, {
      token: owner,
      method: 'PUT',
      body: { location: 'local', tags: { word: 'rosebud' } },
    }),
    [200, 201],
  );
  const narrow = await lab.principal('attack-narrow', 'Contributor', `${lab.subscription}${group}`);
  const reader = await lab.principal('attack-reader', 'Reader');
  return { owner, narrow: await lab.token(narrow), reader: await lab.token(reader), narrowOid: narrow.oid };
}

function mustBe(answer: Answer, wanted: readonly number[]): void {
  if (!wanted.includes(answer.status))
    throw new Error(`wanted ${wanted.join(' or ')}, got ${answer.status}: ${answer.text.slice(0, 300)}`);
}

/** What is wrong with an answer whatever was asked: a fault of the stamp, or words from inside. */
export function unsound({ status, text }: Answer): string | undefined {
  if (status >= 500) return `answered ${status}: ${text.slice(0, 300)}`;
  const inside =
    /node:internal|file:\/\/\/|\bat [A-Za-z.#]+ \(|\/run\/ringwall|\/src\/(core|engine|faces)|SQLITE|rosebud/.exec(
      text,
    );
  return inside === null ? undefined : `the answer has "${inside[0]}": ${text.slice(0, 300)}`;
}

export function expects(name: string, wanted: readonly number[], ask: () => Promise<Answer>): Attempt {
  return {
    name,
    run: async () => {
      const answer = await ask();
      return (
        unsound(answer) ??
        (wanted.includes(answer.status)
          ? undefined
          : `wanted ${wanted.join(' or ')}, got ${answer.status}: ${answer.text.slice(0, 300)}`)
      );
    },
  };
}

/** Bytes on a TLS connection to the management endpoint; answers all that came back until it was closed or the time was over. */
export async function raw(
  lab: Lab,
  bytes: string,
  { waitMs = 2500, to = 4 }: { readonly waitMs?: number; readonly to?: number } = {},
): Promise<{ text: string; isClosed: boolean }> {
  const { hostname } = new URL(lab.up.endpoints.management);
  return await new Promise((resolve) => {
    let text = '';
    const socket = connect({
      host: `198.18.${lab.number}.${to}`,
      port: 443,
      servername: hostname,
      ca: lab.ca,
      checkServerIdentity: () => undefined,
    });
    const timer = setTimeout(() => end(false), waitMs);
    const end = (isClosed: boolean) => {
      clearTimeout(timer);
      socket.destroy();
      resolve({ text, isClosed });
    };
    socket.on('secureConnect', () => socket.write(bytes));
    socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
    socket.on('error', () => end(true));
    socket.on('close', () => end(true));
  });
}

/** Node's own client would tidy the path. */
export async function rawGet(lab: Lab, path: string, token: string): Promise<Answer> {
  const { hostname } = new URL(lab.up.endpoints.management);
  const { text } = await raw(
    lab,
    `GET ${path} HTTP/1.1\r\nhost: ${hostname}\r\nauthorization: Bearer ${token}\r\nconnection: close\r\n\r\n`,
  );
  return { status: Number(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1] ?? 0), body: undefined, text, headers: {} };
}
