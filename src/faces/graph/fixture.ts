/** A running Graph for tests: two directories behind one handler, and a caller for each kind of right. */

import { createServer, request as send } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { JsonObject } from '#base/json.ts';
import { Secret } from '#base/secret.ts';
import { Refusal } from '#base/wrong.ts';
import { setAdministrator } from '#engine/identity/administrators.ts';
import { createDirectory } from '#engine/identity/directories.ts';
import { openDirectory, principalOf, type Directory } from '#engine/identity/directory.ts';
import { inviteGuest } from '#engine/identity/guests.ts';
import { memoryStore } from '#engine/identity/memory-store.ts';
import type { User } from '#engine/identity/records.ts';
import { createServicePrincipal } from '#engine/identity/service-principals.ts';
import { createUser } from '#engine/identity/users.ts';
import { graphFace, type GraphEvent } from '#faces/graph/face.ts';

export const password = 'violet anchor rides north';
const zone = 'local.ringwall.internal';

export type Reply = { readonly status: number; readonly json: JsonObject; readonly text: string };
export type Who = 'admin' | 'ann' | 'bob' | 'guest' | 'program' | 'nobody';

export type Fixture = {
  readonly home: Directory;
  readonly fabrikam: Directory;
  readonly ann: User;
  readonly bob: User;
  readonly events: GraphEvent[];
  readonly bugs: unknown[];
  readonly base: string;
  /** Asks as somebody: `admin`, `ann`, `guest` (bob) and `program` are of the stamp's own directory, `bob` of fabrikam. */
  ask(who: Who, line: string, body?: unknown): Promise<Reply>;
  close(): Promise<void>;
};

/** Starts it. A token is the name of who calls: what tokens are worth is tested elsewhere. */
export async function startFixture(): Promise<Fixture> {
  const now = () => 1_800_000_000_000;
  const cheap = { memoryKib: 64, passes: 1, lanes: 1 };
  const home = await openDirectory({ tenantId: 't', domain: zone, store: memoryStore(), now, passwordCost: cheap });
  const { directory: fabrikam } = await createDirectory(home.directories, { name: 'fabrikam' });
  const user = (directory: Directory, name: string) =>
    createUser(directory, { upn: `${name}@${directory.domain}`, displayName: name, password: new Secret(password) });
  const [admin, ann, bob] = [await user(home, 'admin'), await user(home, 'ann'), await user(fabrikam, 'bob')];
  await setAdministrator(home, admin.id, true);
  const guest = await inviteGuest(home, bob.upn);
  const program = await createServicePrincipal(home, { displayName: 'ci' });
  const callers: Readonly<Record<Who, readonly [Directory, string]>> = {
    admin: [home, admin.id],
    ann: [home, ann.id],
    bob: [fabrikam, bob.id],
    guest: [home, guest.id],
    program: [home, program.id],
    nobody: [home, 'x'],
  };
  const { events, bugs }: { events: GraphEvent[]; bugs: unknown[] } = { events: [], bugs: [] };
  let count = 0;
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const base = `http://127.0.0.1:${port}`;
  const handler = graphFace({
    base,
    verify: async (token) => {
      const [directory, oid] = callers[token as Who] ?? callers.nobody;
      const record = principalOf(directory, oid);
      if (record === undefined) throw new Refusal('InvalidAuthenticationToken', 'Unknown.', { status: 401 });
      return { ...record, tid: directory.tenantId, appid: 'az' };
    },
    directoryOf: (tid) => home.directories.all.get(tid),
    now,
    newGuid: () => `id-${++count}`,
    note: (event) => events.push(event),
    onBug: (error) => bugs.push(error),
  });
  server.on('request', handler);
  return {
    ...{ home, fabrikam, ann, bob, events, bugs, base },
    ask: (who, line, body) => exchange(port, { who, line, body }),
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function exchange(
  port: number,
  asked: { readonly who: Who; readonly line: string; readonly body: unknown },
): Promise<Reply> {
  const [method = '', path = ''] = asked.line.split(/ (.*)/s);
  const text = asked.body === undefined ? '' : typeof asked.body === 'string' ? asked.body : JSON.stringify(asked.body);
  const headers = {
    authorization: `Bearer ${asked.who}`,
    'content-length': String(Buffer.byteLength(text)),
    ...(text === '' ? {} : { 'content-type': 'application/json' }),
  };
  const where = path.startsWith('/v') ? path : `/v1.0${path}`;
  return new Promise((resolve, reject) => {
    const sent = send({ host: '127.0.0.1', port, method, path: where, headers, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => {
        const answered = Buffer.concat(chunks).toString('utf8');
        const json = answered === '' ? {} : (JSON.parse(answered) as JsonObject);
        resolve({ status: response.statusCode ?? 0, json, text: answered });
      });
    });
    sent.on('error', reject);
    sent.end(text);
  });
}
