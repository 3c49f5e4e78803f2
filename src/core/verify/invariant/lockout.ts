/** Holds iff the operator reaches every endpoint of the stamp over the operator's own link. */

import type { Packet } from '#program/packet.ts';
import type { Lockout, PublishedEndpoint } from '#verify/invariant/invariant.ts';
import type { Row, RowKind } from '#verify/proof/kind.ts';
import type { Judged } from '#verify/proof/world.ts';
import { evaluate } from '#program/eval.ts';

/** A handful of endpoints and one link: the oracle itself is asked, with the first host of the link. */
export const lockout: RowKind<Lockout> = {
  form: 'rows',
  rows({ endpoints }, world) {
    const { edge, switch: fabric, infra } = world.reach.programs;
    const inputs = [
      edge?.kind === 'edge' ? edge.published : undefined,
      edge?.kind === 'edge' ? edge.operator : undefined,
      fabric?.kind === 'switch' ? fabric.filter : undefined,
      infra,
    ];
    const before = known.get(endpoints);
    if (before !== undefined && before.inputs.every((input, index) => input === inputs[index])) return before.rows;
    const rows = endpoints.flatMap((endpoint) => rowOf(endpoint, world));
    known.set(endpoints, { inputs, rows });
    return rows;
  },
};

const known = new WeakMap<
  readonly PublishedEndpoint[],
  { readonly inputs: readonly unknown[]; readonly rows: readonly Row[] }
>();

function rowOf({ name, address, port, protocol }: PublishedEndpoint, { reach, estate }: Judged): readonly Row[] {
  const source = estate.operator.replace(/\d+\/\d+$/, (end) => String(Number(end.split('/')[0]) + 1));
  const packet: Packet = {
    origin: { kind: 'operator' },
    source,
    target: address,
    protocol,
    sourcePort: 50_000,
    targetPort: port,
  };
  const fate = evaluate(reach.programs, packet);
  const isReached = fate.verdict === 'deliver' && fate.to.some(({ at }) => at.kind === 'infra');
  if (isReached) return [];
  const says = `the operator cannot reach ${name} at ${address}:${port}`;
  return [{ key: name, says, point: 'edge', shown: { packet, relays: [], ends: { kind: 'drop' } } }];
}
