/** What every stamp demands unless its operator signed otherwise: management ports closed, tenants apart, nothing of the stamp open by accident. */

import { deepFreeze } from '#base/json.ts';
import type { Estate } from '#verify/invariant/estate.ts';
import type { About, Invariant, Service } from '#verify/invariant/invariant.ts';

/** SSH, RDP and WinRM. */
export const managementPorts = [22, 3389, 5985, 5986] as const;

export type BaselineOptions = {
  /** Ports of the operator's own besides. */
  readonly morePorts?: readonly number[];
  readonly managementEffect?: 'deny' | 'audit';
};

const about = (id: string, title: string): About & { readonly owner: 'baseline' } => ({
  id: `baseline/${id}`,
  title,
  effect: 'deny',
  owner: 'baseline',
  exclude: [],
});

/** The baseline of an estate. */
export function baselineOf(
  { endpoints }: Estate,
  { morePorts = [], managementEffect = 'deny' }: BaselineOptions = {},
): readonly Invariant[] {
  const ports = [...new Set([...managementPorts, ...morePorts])].sort((left, right) => left - right);
  const services: readonly Service[] = [
    { protocol: 'tcp', ports: ports.map((port) => [port, port] as const) },
    { protocol: 'udp', ports: [[3389, 3389]] },
  ];
  return deepFreeze<readonly Invariant[]>([
    {
      ...about('management-ports', 'Management ports are never open to the Internet'),
      effect: managementEffect,
      kind: 'never',
      from: [{ kind: 'internet' }],
      to: [{ kind: 'nics' }],
      services,
      exceptFrom: [],
      exceptTo: [],
    },
    { ...about('tenants', 'Networks are apart unless both owners peered them'), kind: 'tenants' },
    { ...about('infrastructure', 'The stamp is reached on its published endpoints alone'), kind: 'infrastructure' },
    { ...about('spoofing', 'Nobody sends as another'), kind: 'spoofing' },
    { ...about('loops', 'No packet is sent around in circles'), kind: 'loops' },
    { ...about('return', 'Replies of what is let through are carried back'), kind: 'return' },
    { ...about('lockout', 'The operator always reaches the stamp'), kind: 'lockout', endpoints },
  ]);
}

/** The baseline alone: made once per list of endpoints. */
export function baselineDemands(
  options: BaselineOptions = {},
): (world: { readonly estate: Estate }) => readonly Invariant[] {
  let last: { readonly endpoints: Estate['endpoints']; readonly invariants: readonly Invariant[] } | undefined;
  return ({ estate }) => {
    if (last?.endpoints !== estate.endpoints)
      last = { endpoints: estate.endpoints, invariants: baselineOf(estate, options) };
    return last.invariants;
  };
}
