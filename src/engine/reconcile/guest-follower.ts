/** Holds the running guests to the virtual machines that are wanted: starts, links, stops and removes them. */

import { Fault } from '#base/wrong.ts';
import { isObject } from '#base/json.ts';
import type { Resource, View } from '#model/resource.ts';
import type { GuestDriver, GuestSpec } from '#engine/guest-port.ts';
import type { Clock, PlaneLink } from '#engine/ports.ts';

/** What a virtual machine wants of the world: its guest's spec, the marks of its NICs in order, and its power. */
export type WantedGuest = {
  readonly key: string;
  readonly power: 'running' | 'stopped' | 'deallocated';
  readonly spec: GuestSpec;
  readonly marks: readonly number[];
  /** How often a restart was asked for; a guest is started anew when it has grown since the last look. */
  readonly restarts?: number;
};

export type GuestParts = {
  readonly view: () => View;
  readonly wantedOf: (machine: Resource, view: View) => WantedGuest;
  readonly guests: GuestDriver;
  readonly plane: PlaneLink;
  readonly clock: Clock;
  /** Resolves when the kernel has the programs of the newest revision: the ports stand. */
  readonly planeReached: () => Promise<void>;
  readonly onTrouble: (machine: string, error: unknown) => void;
  /** Hosts that other machines carry: their guests are not ours to start. */
  readonly remoteHosts?: readonly string[] | undefined;
};

const machineType = 'Microsoft.Compute/virtualMachines';
/** Guests being started or stopped at once: a start is CPU-bound on a small host. */
const parallelMax = 4;
const retriesMax = 3;
const retryMs = 1000;

/** The waits before a guest that keeps dying is started again: the first, doubled each time up to the last. */
const revivalFirstMs = 2000;
const revivalLastMs = 60_000;

type Lane = { running: Promise<void>; waiting: Promise<void> | undefined };

/** When a guest was last started because it had died, and how long it must then leave alone until the next time. */
type Revival = { readonly at: number; readonly waitMs: number };

/** Level-triggered: `follow` compares one machine with its guest and acts until they agree; a newer wish supersedes. */
export class GuestFollower {
  readonly #parts: GuestParts;
  readonly #lanes = new Map<string, Lane>();
  readonly #keys = new Map<string, string>();
  /** Which machine a key's guest was made for: keys are given anew when a machine is gone. */
  readonly #owners = new Map<string, string>();
  /** The restarts that a key's guest has had. */
  readonly #restarts = new Map<string, number>();
  /** The pid that a key's guest has as far as we know; a guest that is not meant to run has none. */
  readonly #pids = new Map<string, number>();
  readonly #revivals = new Map<string, Revival>();
  /** Machines whose last revival failed half-way: their guests may run without their links. */
  readonly #unsettled = new Set<string>();
  /** Work on one key is done in order, whichever machine it is for. */
  readonly #turns = new Map<string, Promise<unknown>>();
  #free = parallelMax;
  #line: (() => void)[] = [];

  constructor(parts: GuestParts) {
    this.#parts = parts;
  }

  #machinesOf(view: View): Resource[] {
    return [...view.ofType(machineType)].filter((machine) => !this.#isRemote(machine));
  }

  #isRemote({ internal }: Resource): boolean {
    return this.#parts.remoteHosts?.includes(String(internal?.['host'])) === true;
  }

  /** After a start of ours: takes up what runs, removes guests of machines that are gone, starts those that are missing. */
  async adopt(): Promise<void> {
    const view = this.#parts.view();
    const wanted = new Map<string, { readonly machine: Resource; readonly specId: string }>();
    for (const machine of this.#machinesOf(view)) {
      const { key, spec, restarts = 0 } = this.#parts.wantedOf(machine, view);
      wanted.set(key, { machine, specId: spec.id });
      this.#restarts.set(key, restarts);
      this.#keys.set(machine.id.toLowerCase(), key);
    }
    for (const guest of await this.#parts.guests.list()) {
      const owner = wanted.get(guest.key);
      const isOfAnother = owner !== undefined && guest.id !== undefined && guest.id !== owner.specId;
      if (owner === undefined || isOfAnother) await this.#parts.guests.remove(guest.key);
      else this.#owners.set(guest.key, incarnationOf(owner.machine));
    }
    for (const { machine } of wanted.values()) {
      this.follow(machine.id).catch((error: unknown) => this.#parts.onTrouble(machine.id, error));
    }
  }

  /** Links every running guest again: the data plane's ports were made anew. Linking twice changes nothing. */
  async relink(): Promise<void> {
    const view = this.#parts.view();
    const running = new Map((await this.#parts.guests.list()).map((guest) => [guest.key, guest]));
    for (const machine of this.#machinesOf(view)) {
      const wanted = this.#parts.wantedOf(machine, view);
      const guest = running.get(wanted.key);
      if (guest?.state === 'running') await this.#link(wanted, guest.pid);
    }
  }

  /**
   * Starts and links again what ended by itself though its machine is to run: a reboot from inside, a crash, an init that was
   * killed. One that keeps dying waits longer each time. A guest whose machine is being worked on is left to that work.
   */
  async watch(): Promise<void> {
    const known = new Map(this.#pids);
    const states = await this.#parts.guests.list();
    const stopped = new Set(states.filter(({ state }) => state === 'stopped').map(({ key }) => key));
    const view = this.#parts.view();
    for (const [name, key] of this.#keys) {
      if (!stopped.has(key) && !this.#unsettled.has(name)) continue;
      const machine = view.get(name);
      // The last: it was started anew while the list was on its way.
      if (machine === undefined || this.#lanes.has(name) || known.get(key) !== this.#pids.get(key)) continue;
      if (this.#parts.wantedOf(machine, view).power !== 'running') continue;
      if (stopped.has(key)) this.#noteDeath(machine, key);
      this.#revive(machine);
    }
  }

  #noteDeath({ id }: Resource, key: string): void {
    if (!this.#pids.delete(key)) return;
    this.#parts.onTrouble(id, new Fault('GuestEnded', 'The guest ended by itself; it is started again.'));
  }

  #revive({ id }: Resource): void {
    const name = id.toLowerCase();
    const now = this.#parts.clock.now();
    const last = this.#revivals.get(name);
    if (last !== undefined && now < last.at + last.waitMs) return;
    // Up for longer than the longest wait: it no longer counts as one that keeps dying.
    const isFresh = last === undefined || now > last.at + last.waitMs + revivalLastMs;
    this.#revivals.set(name, { at: now, waitMs: isFresh ? revivalFirstMs : Math.min(last.waitMs * 2, revivalLastMs) });
    // One try, and no wait for its services: a tenant's dying guests must not keep others from being served.
    const turn = this.#slot(() => this.#settle(id, false));
    this.#lanes.set(name, { running: turn, waiting: undefined });
    turn
      .then(
        () => void this.#unsettled.delete(name),
        (error: unknown) => {
          this.#unsettled.add(name);
          this.#parts.onTrouble(id, error);
        },
      )
      .finally(() => {
        if (this.#lanes.get(name)?.running === turn) this.#lanes.delete(name);
      });
  }

  /**
   * Resolves when the guest is as the machine wants it now; rejects after several failures. One lane per machine: whoever
   * asks while another waits for its turn shares that turn, since it will see the newest wish anyway.
   */
  follow(id: string): Promise<void> {
    const name = id.toLowerCase();
    const lane = this.#lanes.get(name);
    if (lane?.waiting !== undefined) return lane.waiting;
    const before = lane?.running ?? Promise.resolve();
    const turn = before
      .catch(() => undefined)
      .then(() => {
        const own = this.#lanes.get(name);
        if (own !== undefined) own.waiting = undefined;
        return this.#slot(() => this.#tried(id));
      });
    this.#lanes.set(name, { running: turn, waiting: turn });
    return turn.finally(() => {
      if (this.#lanes.get(name)?.running === turn) this.#lanes.delete(name);
    });
  }

  async #slot(work: () => Promise<void>): Promise<void> {
    if (this.#free === 0) await new Promise<void>((resolve) => this.#line.push(resolve));
    else this.#free -= 1;
    try {
      await work();
    } finally {
      const next = this.#line.shift();
      if (next === undefined) this.#free += 1;
      else next();
    }
  }

  async #tried(id: string): Promise<void> {
    for (let tries = 1; ; tries += 1) {
      try {
        await this.#settle(id);
        return;
      } catch (error) {
        if (tries >= retriesMax || !(error instanceof Fault)) throw error;
        await this.#parts.clock.sleep(retryMs * tries);
      }
    }
  }

  async #settle(id: string, isUntilReady = true): Promise<void> {
    const { view: viewOf } = this.#parts;
    const view = viewOf();
    const machine = view.get(id);
    const name = id.toLowerCase();
    const known = this.#keys.get(name);
    if (machine !== undefined && this.#isRemote(machine)) return;
    if (machine === undefined) {
      if (known !== undefined) await this.#inTurn(known, () => this.#remove(known, name));
      this.#keys.delete(name);
      this.#revivals.delete(name);
      this.#unsettled.delete(name);
      return;
    }
    const wanted = this.#parts.wantedOf(machine, view);
    // A machine that was made anew under its old name may have another key; its old guest goes.
    if (known !== undefined && known !== wanted.key) await this.#inTurn(known, () => this.#remove(known, name));
    this.#keys.set(name, wanted.key);
    await this.#inTurn(wanted.key, async () => {
      await this.#hold(machine, wanted);
      if (isUntilReady && wanted.power === 'running') await this.#parts.guests.ready(wanted.key);
    });
  }

  /** Brings the guest of a key to what its machine wants. A guest made for another machine is removed first, with its disk. */
  async #hold(machine: Resource, wanted: WantedGuest): Promise<void> {
    const { guests } = this.#parts;
    const owner = this.#owners.get(wanted.key);
    const own = incarnationOf(machine);
    if (owner !== undefined && owner !== own) await this.#discard(wanted.key);
    this.#owners.set(wanted.key, own);
    if (wanted.power !== 'running') {
      this.#pids.delete(wanted.key);
      return await guests.stop(wanted.key);
    }
    const { restarts = 0 } = wanted;
    const isAnew = restarts > (this.#restarts.get(wanted.key) ?? restarts);
    const { pid } = await (isAnew ? guests.restart(wanted.spec) : guests.start(wanted.spec));
    this.#restarts.set(wanted.key, restarts);
    this.#pids.set(wanted.key, pid);
    await this.#parts.planeReached();
    await this.#link(wanted, pid);
  }

  /** Removes a key's guest unless the key serves another machine by now. */
  async #remove(key: string, name: string): Promise<void> {
    const owner = this.#owners.get(key);
    if (owner !== undefined && !owner.startsWith(`${name}|`)) return;
    await this.#discard(key);
    this.#owners.delete(key);
  }

  async #discard(key: string): Promise<void> {
    this.#pids.delete(key);
    await this.#parts.guests.remove(key);
    this.#restarts.delete(key);
  }

  async #inTurn(key: string, work: () => Promise<void>): Promise<void> {
    const before = this.#turns.get(key) ?? Promise.resolve();
    const turn = before.catch(() => undefined).then(work);
    this.#turns.set(key, turn);
    try {
      await turn;
    } finally {
      if (this.#turns.get(key) === turn) this.#turns.delete(key);
    }
  }

  async #link(wanted: WantedGuest, pid: number): Promise<void> {
    for (const [index, mark] of wanted.marks.entries()) await this.#parts.plane.attach(mark, pid, `eth${index}`);
  }
}

/** One machine from its making to its deletion: a name that is used again is another machine. */
function incarnationOf(machine: Resource): string {
  return `${machine.id.toLowerCase()}|${machine.createdAt}`;
}

/** The key of a machine's guest, kept in `internal`. */
export function guestKeyOf(machine: Resource): string {
  const key = isObject(machine.internal) ? machine.internal['key'] : undefined;
  if (typeof key !== 'string') throw new Fault('GuestKeyMissing', `${machine.id} has no guest key.`);
  return key;
}
