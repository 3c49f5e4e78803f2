/** The engine as one plane sees it: what lies in a subscription of the other plane is not there, whatever is asked. */

import type { Json, JsonObject } from '#base/json.ts';
import { nouns } from '#model/nouns.ts';
import type { Interval } from '#model/metering/meters.ts';
import { isStanding } from '#model/plans/ids.ts';
import { planeOfScope, planeOfType, type Plane } from '#model/plans/plane.ts';
import type { Context, Resource, View } from '#model/resource.ts';
import type { Compliance } from '#engine/ports.ts';
import type { Answering, Caller, Engine, Operation, Outcome, Submission } from '#engine/engine.ts';

/** Delegates all, and shows the resources through a `PlaneView`. */
export class PlaneEngine implements Engine {
  readonly #engine: Engine;
  readonly #view: PlaneView;

  constructor(engine: Engine, plane: Plane) {
    this.#engine = engine;
    this.#view = new PlaneView(() => engine.view(), plane);
  }

  get deployments(): Engine['deployments'] {
    return this.#engine.deployments;
  }

  get audit(): Engine['audit'] {
    return this.#engine.audit;
  }

  get questions(): Engine['questions'] {
    return this.#engine.questions;
  }

  get use(): Engine['use'] {
    return this.#engine.use;
  }

  view(): View {
    return this.#view;
  }

  metered(subscription: string, from: number): readonly Interval[] {
    return this.#engine.metered(subscription, from);
  }

  mark(): number {
    return this.#engine.mark();
  }

  context(apiVersion: string): Context {
    return this.#engine.context(apiVersion);
  }

  show(resource: Resource, apiVersion: string, during?: Operation): JsonObject {
    return this.#engine.show(resource, apiVersion, during);
  }

  authorize(caller: Caller, action: string, scope: string): string {
    return this.#engine.authorize(caller, action, scope);
  }

  enter(caller: Caller, action: string, scope: string): void {
    this.#engine.enter(caller, action, scope);
  }

  may(caller: Caller, action: string, scope: string): boolean {
    return this.#engine.may(caller, action, scope);
  }

  mayRead(id: string, caller: Caller): boolean {
    return this.#engine.mayRead(id, caller);
  }

  submit(submission: Submission, caller: Caller): Promise<Outcome> {
    return this.#engine.submit(submission, caller);
  }

  answer(about: Pick<Operation, 'resourceId' | 'type'>, work: Promise<Json>, caller: Caller): Promise<Answering> {
    return this.#engine.answer(about, work, caller);
  }

  compliance(scope: string): Promise<Compliance> {
    return this.#engine.compliance(scope);
  }

  operation(id: string): Operation | undefined {
    return this.#engine.operation(id);
  }

  settled(id: string, timeoutMs: number): Promise<Operation | undefined> {
    return this.#engine.settled(id, timeoutMs);
  }
}

/** A view without the other plane's subscriptions, all that is in them, and those that are gone. What belongs to no subscription is on both planes. */
export class PlaneView implements View {
  readonly #whole: () => View;
  readonly #plane: Plane;

  constructor(whole: () => View, plane: Plane) {
    this.#whole = whole;
    this.#plane = plane;
  }

  get(id: string): Resource | undefined {
    const found = this.#whole().get(id);
    return found !== undefined && isStanding(found) && this.#isHere(found.id) ? found : undefined;
  }

  childrenOf(parentId: string, type: string): readonly Resource[] {
    return this.#isHere(parentId) ? this.#whole().childrenOf(parentId, type) : [];
  }

  referrersOf(id: string): readonly Resource[] {
    return this.#whole()
      .referrersOf(id)
      .filter(({ id }) => this.#isHere(id));
  }

  ofType(type: string): Iterable<Resource> {
    // A type of one plane has resources in that plane's subscriptions only (the gate sees to it): no need to look at each.
    const own = nouns.has(type.toLowerCase()) ? planeOfType(type) : 'both';
    if (own !== 'both') return own === this.#plane ? this.#whole().ofType(type) : [];
    return [...this.#whole().ofType(type)].filter((one) => isStanding(one) && this.#isHere(one.id));
  }

  under(scope: string): Iterable<Resource> {
    const plane = planeOfScope(this.#whole(), scope);
    if (plane !== undefined) return plane === this.#plane ? this.#whole().under(scope) : [];
    return [...this.#whole().under(scope)].filter(({ id }) => this.#isHere(id));
  }

  #isHere(id: string): boolean {
    return (planeOfScope(this.#whole(), id) ?? this.#plane) === this.#plane;
  }
}
