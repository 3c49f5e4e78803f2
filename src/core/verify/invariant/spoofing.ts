/** Holds iff nobody can send as another: each port has the addresses, the MAC and the right to forward that its NIC has, alone; and the boundary lets no inner source in. */

import { contains, parsePrefix } from '#base/prefix.ts';
import type { EdgeProgram, RouterProgram } from '#program/program.ts';
import type { Estate } from '#verify/invariant/estate.ts';
import type { Structural } from '#verify/invariant/invariant.ts';
import type { Row, RowKind } from '#verify/proof/kind.ts';

export const spoofing: RowKind<Structural> = {
  form: 'rows',
  rows: (_, { reach, estate }) => [
    ...Object.entries(reach.programs).flatMap(([point, program]) =>
      program.kind === 'router' ? portRows(point, program, estate) : [],
    ),
    ...(reach.programs['edge']?.kind === 'edge' ? boundaryRows(reach.programs['edge'], estate) : []),
  ],
};

type Known = {
  readonly nics: Estate['nics'];
  readonly remotes: RouterProgram['remotes'];
  readonly rows: readonly Row[];
};
const known = new WeakMap<RouterProgram['ports'], Known>();

function portRows(point: string, { ports, remotes }: RouterProgram, { nics }: Estate): readonly Row[] {
  const before = known.get(ports);
  if (before?.nics === nics && before.remotes === remotes) return before.rows;
  const rows: Row[] = [];
  const owners = new Map<string, number>();
  const note = (mark: number, says: string): void =>
    void rows.push({ key: `${point} ${mark} ${says}`, says: `NIC ${mark} ${says}`, mark, point });
  for (const { mark, mac, addresses, forwarding } of Object.values(ports)) {
    const nic = nics[String(mark)];
    if (nic === undefined) {
      note(mark, 'has a port and is nobody’s');
      continue;
    }
    if (nic.mac !== mac) note(mark, `sends as ${mac}, and is ${nic.mac}`);
    if (forwarding && !nic.forwarding) note(mark, 'may forward, and its owner did not ask for that');
    for (const address of Object.keys(addresses)) {
      if (!nic.addresses.includes(address)) note(mark, `has the address ${address}, which is not its own`);
      const other = owners.get(address) ?? (Object.hasOwn(remotes, address) ? remotes[address]?.mark : undefined);
      if (other !== undefined && other !== mark) note(mark, `has the address ${address} of NIC ${other}`);
      owners.set(address, mark);
    }
  }
  known.set(ports, { nics, remotes, rows });
  return rows;
}

const boundaries = new WeakMap<
  readonly string[],
  { readonly closed: readonly string[]; readonly rows: readonly Row[] }
>();

/** What is not the internet never comes from there, nor do the stamp's own public addresses. */
function boundaryRows({ bogons, pool }: EdgeProgram, { closed }: Estate): readonly Row[] {
  const before = boundaries.get(bogons);
  if (before?.closed === closed) return before.rows;
  const dropped = bogons.map((text) => parsePrefix(text));
  const rows = [...closed, ...pool].flatMap((text): Row[] => {
    const prefix = parsePrefix(text);
    if (dropped.some((one) => contains(one, prefix))) return [];
    return [
      { key: `boundary ${text}`, says: `the boundary takes sources of ${text} from the internet`, point: 'edge' },
    ];
  });
  boundaries.set(bogons, { closed, rows });
  return rows;
}
