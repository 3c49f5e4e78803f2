/** The clients of the race: each has resources of its own, which it makes and deletes without pause, and notes every answer. */

import { setTimeout as sleep } from 'node:timers/promises';
import { Ledger } from '#test/kill/ledger.ts';
import { randomFrom, type Random } from '#test/generate/random.ts';
import type { Ground } from '#test/quota/ground.ts';
import { kinds, type Kind } from '#test/quota/kinds.ts';

/** How often each answer came. */
export type Answers = { acknowledged: number; overQuota: number; unanswered: number; strange: Map<string, number> };

export type Load = {
  readonly ledger: Ledger;
  readonly answers: Answers;
  /** Requests that were sent. */
  readonly sent: () => number;
  /** No request leaves from now on; resolves when none is under way. */
  readonly pause: () => Promise<void>;
  readonly run: () => void;
  readonly stop: () => Promise<void>;
};

/** One resource of one client. */
export type Target = { readonly kind: Kind; readonly path: string; readonly index: number };

/** Two names of each kind for each client: together far more than the plan allows. */
const namesEach = 2;
const afterLossMs = 50;
const overQuota = /CountLimitReached$|^OperationNotAllowed$|^MaxStorageAccountsCountPerSubscriptionExceeded$/;

/** The resources of a client. */
export function targetsOf(client: number, group: string): readonly Target[] {
  return kinds.flatMap((kind) =>
    Array.from({ length: namesEach }, (_, place) => {
      const index = client * namesEach + place;
      const [namespace = '', ...names] = kind.type.split('/');
      const above = kind.parent === undefined ? '' : `${kind.parent}/${names.at(-1) ?? ''}`;
      return {
        kind,
        index,
        path: `${group}/providers/${above === '' ? `${namespace}/${names[0] ?? ''}` : above}/r${index}x`,
      };
    }),
  );
}

/** Starts so many clients, paused. */
export function startLoad(ground: Ground, about: { location: string; clients: number; seed: number }): Load {
  const { location, clients, seed } = about;
  const ledger = new Ledger();
  const answers: Answers = { acknowledged: 0, overQuota: 0, unanswered: 0, strange: new Map() };
  const state = { sent: 0, atWork: 0, isOpen: false, isOver: false };
  const waiters: (() => void)[] = [];
  const open = (): Promise<void> =>
    state.isOpen || state.isOver ? Promise.resolve() : new Promise((resolve) => waiters.push(resolve));
  const wake = (): void => {
    for (const resolve of waiters.splice(0)) resolve();
  };
  const client = async (number: number): Promise<void> => {
    const random = randomFrom(seed * 1000 + number);
    const targets = targetsOf(number, ground.group);
    for (;;) {
      await open();
      if (state.isOver) return;
      state.atWork += 1;
      state.sent += 1;
      const target = targets[random.below(targets.length)];
      if (target !== undefined) await write(target, { ground, ledger, answers, random, location });
      state.atWork -= 1;
    }
  };
  const all = Array.from({ length: clients }, (_, number) => client(number));
  const pause = async (): Promise<void> => {
    state.isOpen = false;
    while (state.atWork > 0) await sleep(5);
  };
  return {
    ledger,
    answers,
    sent: () => state.sent,
    pause,
    run: () => {
      state.isOpen = true;
      wake();
    },
    stop: async () => {
      await pause();
      state.isOver = true;
      wake();
      await Promise.all(all);
    },
  };
}

type Around = {
  readonly ground: Ground;
  readonly ledger: Ledger;
  readonly answers: Answers;
  readonly random: Random;
  readonly location: string;
};

async function write({ kind, path, index }: Target, around: Around): Promise<void> {
  const { ground, ledger, answers, random, location } = around;
  const before = ledger.may(path);
  const isDelete = before.includes('made') && random.chance(0.7);
  const value = isDelete ? undefined : 'made';
  ledger.asked(path, value);
  const query = `?api-version=${kind.version}`;
  const { status, body } = isDelete
    ? await ground.tenant.send('DELETE', path + query)
    : await ground.tenant.send('PUT', path + query, kind.body(location, index));
  const code = String((body['error'] as { code?: unknown } | undefined)?.code ?? '');
  if (status >= 200 && status < 300) {
    answers.acknowledged += 1;
    return ledger.confirmed(path, value);
  }
  if (status >= 400 && status < 500) {
    ledger.refused(path, undefined, before);
    if (overQuota.test(code)) answers.overQuota += 1;
    else count(answers.strange, `${status} ${code}`);
    return;
  }
  ledger.lost();
  answers.unanswered += 1;
  if (status !== 0) count(answers.strange, `${status} ${code}`);
  await sleep(afterLossMs);
}

function count(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
