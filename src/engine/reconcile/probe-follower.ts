/** Health probes: which ones are wanted, and their results as changes of the model that pass the gate like any other. */

import { canonical, isObject, sameJson, type Json, type JsonObject } from '#base/json.ts';
import type { Gate } from '#engine/gate/gate.ts';
import type { Clock, PlaneLink, ProbeResult, ProbeSpec } from '#engine/ports.ts';
import type { Resource, View } from '#model/resource.ts';
import { subscriptionOf } from '#engine/subscription.ts';

const balancerType = 'Microsoft.Network/loadBalancers';
const machineType = 'Microsoft.Compute/virtualMachines';
const roundMs = 500;
/** How long a follower waits for a first verdict on every member before it judges without. */
const firstVerdictsMs = 5000;

export type ProbeParts = {
  readonly gate: Gate;
  readonly view: () => View;
  readonly plane: PlaneLink;
  readonly clock: Clock;
  readonly onTrouble: (what: string, error: unknown) => void;
};

/** Asks the plane for results and brings them into the model; a member is up only after its first good probe. */
export class ProbeFollower {
  readonly #parts: ProbeParts;
  #stopped = false;
  /** What was up in an earlier life counts until the first verdicts are in, or should have been. */
  #isFirst = true;
  #askedFirstAt: number | undefined;

  constructor(parts: ProbeParts) {
    this.#parts = parts;
  }

  start(): void {
    void this.#rounds();
  }

  stop(): void {
    this.#stopped = true;
  }

  async #rounds(): Promise<void> {
    while (!this.#stopped) {
      try {
        await this.#round();
      } catch (error) {
        if (!this.#stopped) this.#parts.onTrouble('health probes', error);
      }
      await this.#parts.clock.sleep(roundMs);
    }
  }

  async #round(): Promise<void> {
    const view = this.#parts.view();
    const wanted = probesWanted(view);
    const results = await this.#parts.plane.probes(wanted.map(({ spec }) => spec));
    if (results.length === 0 && wanted.length === 0) return;
    const { clock } = this.#parts;
    this.#askedFirstAt ??= clock.now();
    // The prober may be as new as we are; what it will say in a moment must not be taken for a death of every backend.
    const isWaiting = this.#isFirst && clock.now() - this.#askedFirstAt < firstVerdictsMs;
    if (isWaiting && results.length < wanted.length) return;
    await this.#note(wanted, results);
    this.#isFirst = false;
  }

  /** Health of members that are gone goes with them; unchanged health writes nothing. */
  async #note(wanted: readonly WantedProbe[], results: readonly ProbeResult[]): Promise<void> {
    const known = { states: new Map(results.map((result) => [result.key, result.state])), isFirst: this.#isFirst };
    const balancers = new Map<string, WantedProbe[]>();
    for (const probe of wanted) balancers.set(probe.balancer, [...(balancers.get(probe.balancer) ?? []), probe]);
    const view = this.#parts.view();
    const changed = [...balancers].filter(([id, probes]) => {
      const balancer = view.get(id);
      return balancer !== undefined && !sameJson(healthOf(balancer), nextHealth(balancer, probes, known));
    });
    for (const [id, probes] of changed) {
      await this.#parts.gate.change((draft) => {
        const balancer = draft.get(id);
        if (balancer !== undefined) {
          draft.put({ ...balancer, internal: { ...balancer.internal, health: nextHealth(balancer, probes, known) } });
        }
        return { value: undefined, about: { subscription: subscriptionOf(id) } };
      });
    }
  }
}

export type WantedProbe = {
  readonly balancer: string;
  readonly probe: string;
  readonly address: string;
  readonly spec: ProbeSpec;
};

/** One probe per (load balancer, probe, member address) for every rule that names a probe. */
export function probesWanted(view: View): WantedProbe[] {
  const found = new Map<string, WantedProbe>();
  for (const balancer of view.ofType(balancerType)) {
    for (const rule of arrayOf(balancer.properties['loadBalancingRules'])) {
      const properties = objectOf(rule['properties']);
      const probe = partOf(balancer, 'probes', objectOf(properties['probe'])['id']);
      const pool = objectOf(properties['backendAddressPool'])['id'];
      if (probe === undefined || typeof pool !== 'string') continue;
      for (const member of membersOf(pool, view)) {
        const wanted = wantedProbe(balancer, probe, member);
        found.set(wanted.spec.key, wanted);
      }
    }
  }
  return [...found.values()];
}

type Member = { readonly address: string; readonly point: string };

/** NIC addresses in the pool whose NIC belongs to a machine, with the router that serves them. */
function membersOf(pool: string, view: View): Member[] {
  const wanted = pool.toLowerCase();
  return view.referrersOf(pool).flatMap((nic) => {
    const machine = view.referrersOf(nic.id).find((candidate) => candidate.type === machineType);
    const host = objectOf(machine?.internal)['host'];
    if (typeof host !== 'string') return [];
    return arrayOf(nic.properties['ipConfigurations']).flatMap((configuration) => {
      const properties = objectOf(configuration['properties']);
      const isMember = arrayOf(properties['loadBalancerBackendAddressPools']).some(
        (entry) => String(entry['id']).toLowerCase() === wanted,
      );
      const address = properties['privateIPAddress'];
      const key = vnetKeyOf(properties, view);
      return isMember && typeof address === 'string' && key !== undefined
        ? [{ address, point: `router/v${key}/${host}` }]
        : [];
    });
  });
}

function vnetKeyOf(configuration: JsonObject, view: View): number | undefined {
  const subnet = String(objectOf(configuration['subnet'])['id'] ?? '');
  const vnet = view.get(subnet.split('/').slice(0, -2).join('/'));
  const key = objectOf(vnet?.internal)['key'];
  return typeof key === 'number' ? key : undefined;
}

function wantedProbe(balancer: Resource, probe: JsonObject, { address, point }: Member): WantedProbe {
  const name = String(probe['name']);
  const properties = objectOf(probe['properties']);
  const path = properties['requestPath'];
  const isHttp = String(properties['protocol'] ?? 'Tcp').toLowerCase() !== 'tcp' && typeof path === 'string';
  const settings = {
    protocol: isHttp ? ('http' as const) : ('tcp' as const),
    port: Number(properties['port']),
    ...(isHttp ? { path } : {}),
    intervalS: Number(properties['intervalInSeconds'] ?? 15),
    failuresMax: Number(properties['numberOfProbes'] ?? 2),
  };
  // The settings are part of the key: a probe that changed starts anew and nothing is up on the old one's word.
  const key = `${balancer.id.toLowerCase()}/${name}/${address}/${canonical(settings)}`;
  return { balancer: balancer.id, probe: name, address, spec: { key, point, address, ...settings } };
}

type Known = { readonly states: ReadonlyMap<string, 'up' | 'down'>; readonly isFirst: boolean };

/** A probe without a verdict keeps what is known: the prober may just have been restarted. */
function nextHealth(balancer: Resource, probes: readonly WantedProbe[], { states, isFirst }: Known): JsonObject {
  const before = healthOf(balancer);
  const next: { [probe: string]: { [address: string]: 'up' | 'down' } } = {};
  for (const { probe, address, spec } of probes) {
    const kept = !isFirst && objectOf(before[probe])[address] === 'up' ? 'up' : 'down';
    next[probe] = { ...next[probe], [address]: states.get(spec.key) ?? kept };
  }
  return next;
}

function healthOf(balancer: Resource): JsonObject {
  return objectOf(objectOf(balancer.internal)['health']);
}

function partOf(balancer: Resource, list: string, id: Json | undefined): JsonObject | undefined {
  if (typeof id !== 'string') return undefined;
  const name = id.split('/').at(-1)?.toLowerCase();
  return arrayOf(balancer.properties[list]).find((part) => String(part['name']).toLowerCase() === name);
}

function objectOf(value: Json | undefined): JsonObject {
  return isObject(value) ? value : {};
}

function arrayOf(value: Json | undefined): JsonObject[] {
  return Array.isArray(value) ? value.filter((item) => isObject(item)) : [];
}
