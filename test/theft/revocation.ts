/** How long a revoked principal is still in, at each way in: measured from the revocation to the first refusal. */

import { setTimeout as sleep } from 'node:timers/promises';
import { Secret } from '#base/secret.ts';
import { addMember, createGroup, removeMember } from '#engine/identity/groups.ts';
import { removePrincipal, setEnabled, setPassword } from '#engine/identity/users.ts';
import { codeOf, type Ground, type Reply } from '#test/theft/ground.ts';
import type { Tally } from '#test/theft/row.ts';

/** The limit. */
const limitMs = 5000;

type Way = {
  readonly name: string;
  readonly status: number;
  readonly prepare: (oid: string) => Promise<() => Promise<unknown>>;
};

/** Revokes in each way while requests run, and tells when the first was refused and that none passed after it. */
export async function measureRevocation(ground: Ground, tally: Tally): Promise<void> {
  const { directory } = ground.model.assembly;
  const { subscriptionId } = ground.model.prepared;
  const scope = `/subscriptions/${subscriptionId}`;
  const group = await createGroup(directory, 'Owners');
  await ground.assign(group.id, 'User', scope);
  const ways: readonly Way[] = [
    { name: 'switched off', status: 401, prepare: (oid) => Promise.resolve(() => setEnabled(directory, oid, false)) },
    {
      name: 'password changed',
      status: 401,
      prepare: (oid) =>
        Promise.resolve(() => setPassword(directory, oid, { password: new Secret('another anchor rides north') })),
    },
    { name: 'removed', status: 401, prepare: (oid) => Promise.resolve(() => removePrincipal(directory, oid)) },
    {
      name: 'group left',
      status: 403,
      prepare: async (oid) => {
        await addMember(directory, group.id, oid);
        return () => removeMember(directory, group.id, oid);
      },
    },
    {
      name: 'role removed',
      status: 403,
      prepare: async (oid) => removal(ground, await ground.assign(oid, 'User', scope)),
    },
  ];
  const keeper = ground.access(await ground.token(ground.bySecret(await ground.program('keeper'))));
  const headers = { authorization: `Bearer ${keeper}` };
  await ground.ask(groupOf(ground), { method: 'PUT', headers, json: { location: 'local' } });
  for (const way of ways) await measured(ground, way, tally);
}

function groupOf({ model }: Ground): string {
  const { subscriptionId } = model.prepared;
  return `${model.endpoints.management}/subscriptions/${subscriptionId}/resourcegroups/cae?api-version=2021-04-01`;
}

function removal({ model }: Ground, id: string): () => Promise<unknown> {
  return () =>
    model.assembly.engine.gate.change((draft) => {
      draft.delete(id);
      return { value: undefined, about: { subscription: '' } };
    });
}

async function measured(ground: Ground, way: Way, tally: Tally): Promise<void> {
  const person = await ground.stranger(`cae-${way.name.replace(' ', '-')}`);
  const revoke = await way.prepare(person.oid);
  if (way.status === 401)
    await ground.assign(person.oid, 'User', `/subscriptions/${ground.model.prepared.subscriptionId}`);
  const claims = '{"access_token":{"xms_cc":{"values":["cp1"]}}}';
  const token = ground.access(await ground.token(ground.byPassword(person, { claims })));
  const url = groupOf(ground);
  const ask = (): Promise<Reply> => ground.ask(url, { headers: { authorization: `Bearer ${token}` } });
  const before = await ask();
  const began = performance.now();
  await revoke();
  let last: Reply;
  do {
    last = await ask();
    await sleep(10);
  } while (last.status === 200 && performance.now() - began < limitMs);
  const tookMs = performance.now() - began;
  const again = await ask();
  const isGood = before.status === 200 && last.status === way.status && again.status === way.status && tookMs < limitMs;
  const challenge = String(last.headers['www-authenticate'] ?? '');
  // Only who can still sign in is asked for a newer token.
  const isChallenged = /error="insufficient_claims"/.test(challenge);
  const isRight = isGood && isChallenged === (way.name === 'password changed');
  tally[isRight ? 'passed' : 'failed'] += 1;
  const mark = isRight ? 'ok  ' : 'FAIL';
  const challenged = isChallenged ? ', with a claims challenge' : '';
  console.log(
    `${mark} out after ${tookMs.toFixed(0).padStart(4)} ms (at most ${limitMs}): ${way.name}: ${last.status} ${codeOf(last)}${challenged}`,
  );
}
