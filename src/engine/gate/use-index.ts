/** How much each subscription uses of what its plans allow: counted once when it is first asked for, then kept up with every commit. */

import { type Allowance, allowanceOf } from '#model/plans/allowance.ts';
import { addEdits, type Use } from '#model/plans/use.ts';
import { excessOf, useOf } from '#model/plans/enforce.ts';
import { overQuota } from '#model/plans/over-quota.ts';
import type { Edit, View } from '#model/resource.ts';

/** Answers what is in use in the committed view. `changed` must hear of every commit. */
export class UseIndex {
  readonly #view: () => View;
  readonly #location: string;
  /** Only subscriptions that were asked for. */
  readonly #use: Use = new Map();

  constructor(view: () => View, location: string) {
    this.#view = view;
    this.#location = location;
  }

  /**
   * Refuses edits that take a subscription over its allowance. Nothing else is decided between this and their commit, so two
   * writes never share the last place. A dry run gives the set of what it has told, and goes on.
   */
  check(draft: View, edits: readonly Edit[], told?: Set<string>): void {
    const used = (subscription: string, field: string): number => this.used(subscription, field);
    const judging = { used, location: this.#location, ...(told === undefined ? {} : { told }) };
    const excess = excessOf(draft, edits, judging);
    if (excess === undefined) return;
    told?.add(`${excess.subscription}/${excess.field}`);
    throw overQuota(excess);
  }

  /** What the subscription of an ARM id may use; undefined where it has no plans. Plans lie on the operator's plane, so no face can tell from its view. */
  allowance(subscriptionId: string): Allowance | undefined {
    return allowanceOf(this.#view(), subscriptionId);
  }

  /** In use of one field; `subscription` is the GUID in lower case. */
  used(subscription: string, field: string): number {
    return this.#of(subscription).get(field) ?? 0;
  }

  changed(edits: readonly Edit[]): void {
    if (this.#use.size === 0) return;
    for (const [subscription, fields] of addEdits(new Map(), edits)) {
      const known = this.#use.get(subscription);
      if (known === undefined) continue;
      for (const [field, growth] of fields) known.set(field, (known.get(field) ?? 0) + growth);
    }
    for (const { id, after } of edits) {
      const gone = after === undefined ? /^\/subscriptions\/([^/]+)$/i.exec(id)?.[1] : undefined;
      if (gone !== undefined) this.#use.delete(gone.toLowerCase());
    }
  }

  #of(subscription: string): ReadonlyMap<string, number> {
    const known = this.#use.get(subscription);
    if (known !== undefined) return known;
    const counted = useOf(this.#view().under(`/subscriptions/${subscription}`)).get(subscription);
    const made = new Map(counted);
    this.#use.set(subscription, made);
    return made;
  }
}
