/** Where a stamp keeps things: state, keys, sockets, users, and the names of its namespaces (decisions D4.2, D5). */

import { join } from 'node:path';
import { guestsPerStampMax } from '#base/limits.ts';
import { Fault } from '#base/wrong.ts';
import type { Settings } from '#main/boot/settings.ts';

/** Users of the processes: 52000 + 32·N + i, group of the same number, no accounts added. */
const userIndex = { proofd: 1, stampd: 2, guestd: 3, edged: 4 } as const;
export type OwnUser = keyof typeof userIndex;

/** The uid (and gid) of a process of stamp N. */
export function uidOf(user: OwnUser, number: number): number {
  return 52_000 + 32 * number + userIndex[user];
}

const guestUids = 65_536;
/** Guests of one stamp: with 64 stamps their ranges end below 2^32, and no two stamps share a uid. */
const guestSlots = guestsPerStampMax + 1;

/** The uids of a stamp's guests, far above accounts and other stamps: 65,536 each, by the guest's slot. */
export function guestUidRange(number: number): { readonly first: number; readonly end: number } {
  const first = 0x4000_0000 + number * guestSlots * guestUids;
  return { first, end: first + guestSlots * guestUids };
}

/** The first uid of the guest in a slot (from 1); a slot beyond the stamp's range would be another stamp's guest. */
export function guestUidFirst(number: number, slot: number): number {
  if (!Number.isInteger(slot) || slot < 1 || slot >= guestSlots)
    throw new Fault('GuestRangeExhausted', `A stamp runs at most ${guestSlots - 1} guests on this host.`);
  return guestUidRange(number).first + slot * guestUids;
}

export type Places = ReturnType<typeof placesOf>;

/** All paths of a stamp. */
export function placesOf(settings: Pick<Settings, 'state' | 'number'>) {
  const { state, number } = settings;
  const run = join('/run/ringwall', String(number));
  return {
    state,
    run,
    database: join(state, 'db', 'stamp.db'),
    keys: join(state, 'keys'),
    /** The operator's signed policy bundle. */
    policy: join(state, 'policy.json'),
    logs: join(state, 'log'),
    guests: join(state, 'guests'),
    /** Flow logs by target and hour; only `stampd` can enter. */
    flowLogs: join(state, 'flow-logs'),
    firstCredential: join(state, 'keys', 'first-credential.json'),
    certificateAuthority: join(state, 'ca.pem'),
    netdRevision: join(state, 'netd', 'revision'),
    /** What the resolver's engine reads and its control socket; only `edged` can enter. */
    resolver: join(run, 'edged', 'resolver'),
    /** The engine's program file, where no other policy of the host speaks of it (decision 0006). */
    resolverCommand: join(state, 'engines', 'unbound'),
    supervisor: join(run, 'ringd.json'),
    lock: join(run, 'lock'),
    /** The code, mounted where the stamp's own users can read it wherever the clone lies. */
    code: join(run, 'code'),
    infraNamespace: `rw${number}-infra`,
    /** The socket that `server` keeps for `caller`. */
    socket: (server: string, caller: string) => join(run, server, caller, 'socket'),
  };
}

/** What the supervisor notes and `down` reads: who runs. */
export type Supervised = { readonly pid: number; readonly children: { readonly [name: string]: number } };
