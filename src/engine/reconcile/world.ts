/** The world of an enforcing stamp: the kernel follows first, then the guests that a change touches. */

import { Fault, Refusal } from '#base/wrong.ts';
import { isObject, sameJson } from '#base/json.ts';
import type { Edit, Resource, View } from '#model/resource.ts';
import type { GuestDriver } from '#engine/guest-port.ts';
import type { Commit, Gate, ProvedStep, Standing } from '#engine/gate/gate.ts';
import type { Clock, PlaneLink } from '#engine/ports.ts';
import { GuestFollower, guestKeyOf, type WantedGuest } from '#engine/reconcile/guest-follower.ts';
import { PlaneFollower } from '#engine/reconcile/plane-follower.ts';
import type { World } from '#engine/stamp-engine.ts';

const machineType = 'Microsoft.Compute/virtualMachines';
/** How often guests are looked at: one that ended by itself is up again within a few seconds. */
const watchMs = 2000;
const extensionType = 'Microsoft.Compute/virtualMachines/extensions';

export type RealWorldParts = {
  readonly view: View;
  readonly plane: PlaneLink;
  readonly guests: GuestDriver;
  readonly clock: Clock;
  readonly wantedOf: (machine: Resource, view: View) => WantedGuest;
  readonly onTrouble: (what: string, error: unknown) => void;
  /** Hosts that other machines carry. */
  readonly remoteHosts?: readonly string[] | undefined;
};

/** Follows commits in the kernel and in guests. `start` adopts what runs already. */
export class RealWorld implements World {
  readonly #parts: RealWorldParts;
  readonly plane: PlaneFollower;
  readonly guests: GuestFollower;
  #revision = 0;
  #isStopped = false;
  #standing: () => Promise<Standing> = () => Promise.reject(new Fault('WorldNotStarted', 'The world was not started.'));

  constructor(parts: RealWorldParts) {
    this.#parts = parts;
    this.plane = new PlaneFollower({
      plane: parts.plane,
      standing: () => this.#standing(),
      clock: parts.clock,
      onTrouble: ({ says, over }) =>
        parts.onTrouble(over ? 'the data plane follows' : 'the data plane does not follow', says),
      onReplaced: () => this.#relink(),
    });
    this.guests = new GuestFollower({
      view: () => parts.view,
      wantedOf: parts.wantedOf,
      guests: parts.guests,
      plane: parts.plane,
      clock: parts.clock,
      remoteHosts: parts.remoteHosts,
      planeReached: () => this.plane.reached(this.#revision),
      onTrouble: (machine, error) => parts.onTrouble(`the guest of ${machine}`, error),
    });
  }

  /** Begins to follow from a revision that is durable. Resolves when the kernel has it; guests come up behind. */
  async start(gate: Pick<Gate, 'revision' | 'standing'>): Promise<void> {
    this.#revision = gate.revision;
    this.#standing = () => gate.standing();
    this.plane.start();
    await this.plane.reached(gate.revision);
    await this.guests.adopt();
    void this.#watch();
  }

  /** Ends following; what runs goes on. */
  stop(): void {
    this.#isStopped = true;
    this.plane.stop();
  }

  async #watch(): Promise<void> {
    let isTold = false;
    while (!this.#isStopped) {
      await this.#parts.clock.sleep(watchMs);
      if (this.#isStopped) return;
      try {
        await this.guests.watch();
        isTold = false;
      } catch (error) {
        // The guests' driver may be starting again; once is enough to say so.
        if (!isTold) this.#parts.onTrouble('watching the guests', error);
        isTold = true;
      }
    }
  }

  onProved(step: ProvedStep): void {
    this.plane.prepare(step);
  }

  onCommit(commit: Commit): void {
    this.#revision = commit.revision;
    this.plane.push(commit);
  }

  async follow(revision: number, edits: readonly Edit[]): Promise<void> {
    await this.plane.reached(revision);
    const machines = edits.filter(({ before, after }) => (after ?? before)?.type === machineType);
    await Promise.all(machines.map((edit) => this.guests.follow(edit.id)));
    for (const { before, after } of edits) {
      if (after?.type === extensionType && !isSameExtension(before, after)) await this.#extend(after);
    }
  }

  /** Runs an extension inside its machine's guest; a command that fails makes the operation fail with what it printed. */
  async #extend(extension: Resource): Promise<void> {
    const machine = this.#parts.view.get(extension.id.split('/').slice(0, -2).join('/'));
    if (machine === undefined) return;
    await this.guests.follow(machine.id);
    const { publisher, type, settings } = extension.properties;
    const hidden = isObject(extension.internal) ? extension.internal['protectedSettings'] : undefined;
    const all = { ...(isObject(settings) ? settings : {}), ...(isObject(hidden) ? hidden : {}) };
    const exit = await this.#parts.guests.runExtension(guestKeyOf(machine), {
      publisher: String(publisher),
      type: String(type),
      settings: all as { commandToExecute?: string; script?: string },
    });
    if (exit.code === 0) return;
    const printed = exit.stderr.slice(-500) || exit.stdout.slice(-500);
    throw new Refusal(
      'VMExtensionProvisioningError',
      `The extension '${extension.name}' ended with code ${exit.code}: ${printed}`,
      { status: 409 },
    );
  }

  #relink(): void {
    this.guests.relink().catch((error: unknown) => {
      this.#parts.onTrouble('linking the guests again', error instanceof Fault ? error.message : error);
    });
  }
}

/** An extension runs again only when what it is told has changed (Azure docs, "Virtual machine extensions": a new tag or setting). */
function isSameExtension(before: Resource | undefined, after: Resource): boolean {
  return (
    before !== undefined && sameJson(before.properties, after.properties) && sameJson(before.internal, after.internal)
  );
}
