/** Faults planted in what writes routes and translations for the kernel: each must be seen when what was written is read back. */

import type { Mutant } from '#test/oracle/mutants.ts';

const tests = ['src/adapters/linux/validate-point.test.ts'];

/** A fault of a file that writes for the kernel. */
const inFile =
  (name: string) =>
  (find: string, replace: string, says: string): Mutant => ({
    file: `src/adapters/linux/${name}`,
    find,
    replace,
    tests,
    says,
  });

const routes = inFile('router-network.ts');
const rules = inFile('router-rules.ts');
const gates = inFile('router-gates.ts');
const balance = inFile('balance.ts');
const fabric = inFile('fabric-rules.ts');
const fabricRoutes = inFile('fabric-network.ts');

export const rendered: readonly Mutant[] = [
  routes('pref 110 fwmark ${hex(bits)}', 'pref 40000 fwmark ${hex(bits)}', 'tables are asked after the main one'),
  routes(
    'tunnelHop(remote.host, { isForeign, family: familyOf(address) })',
    'tunnelHop(remote.host, { isForeign: false, family: familyOf(address) })',
    'what is sent on for others loses its name in the tunnel',
  ),
  routes(
    '  for (const address of misplaced(here, routes)) draft.routes.add(`blackhole ${whole(address)} table ${number}`);\n',
    '',
    'addresses of a network that a route does not mean are reached',
  ),
  routes(
    '      return isForeign\n',
    "      return isForeign && text === ''\n",
    'what is sent on for others goes out to the internet',
  ),
  routes(
    'prefix.length > (best?.prefix.length ?? -1)',
    'prefix.length < (best?.prefix.length ?? 129)',
    'the shortest route says what is misplaced',
  ),
  routes(
    'if (!remote.forwarding || underlay === undefined) continue;',
    'continue;',
    'appliances over the tunnel have no name',
  ),
  rules('`${label} : ${address}`', '`${address} : ${label}`', 'labels and addresses are exchanged'),
  rules(
    '[portMark(port, tables), platformMark(port)] :',
    '[portMark(port, tables)] :',
    'questions to the resolver leave without a label',
  ),
  rules(
    'if (targets.length === count) return [];',
    'if (targets.length <= count) return [];',
    'no sender gets fewer members',
  ),
  rules(
    '`${markText(mark)} . ${address} : ${label}`',
    '`${markText(mark + 1)} . ${address} : ${label}`',
    'labels are those of the next NIC',
  ),
  gates('ether saddr @forwarders goto foreign', 'ether saddr @macs goto foreign', 'every NIC may send for others'),
  gates(
    'if (peer === undefined || peer.forwarded) continue;',
    'if (peer === undefined || !peer.forwarded) continue;',
    'forwarded traffic enters where it is not taken',
  ),
  balance('mod ${targets.length} seed', 'mod ${targets.length + 1} seed', 'the last member is chosen twice as often'),
  balance(
    '`${target}:${balance.targetPort}`',
    '`${target}:${balance.port}`',
    'a balance keeps the port of the frontend',
  ),
  balance(
    'const isLast = index === targets.length - 1;',
    'const isLast = index >= targets.length - 2;',
    'a member is never chosen',
  ),
  fabric('${ports[0]}-${ports[1]}', '${ports[0]}-${ports[1] + 1}', 'a block has a port of the next one'),
  fabric(
    '.filter(([, address]) => isIn(sources, address))',
    '.filter(([, address]) => sources.length + address.length > 0)',
    'every guest reaches the administration',
  ),
  fabric(
    '      `ip saddr @operator4 ip daddr @labels4 snat ip to ${program.operatorSource}`,\n',
    '',
    'the operator’s own address goes in',
  ),
  fabric('`${address} : ${label}`', '`${label} : ${address}`', 'public addresses and labels are exchanged'),
  fabricRoutes(
    '    ...program.pool.map((prefix) => `blackhole ${prefix} table 254`),\n',
    '',
    'public addresses that are nobody’s go out again',
  ),
  fabricRoutes(
    'via(label, routerLink(point))',
    "via(label, routerLink(point).replace('1', '2'))",
    'labels of one router go to another',
  ),
];
