/** Faults that are planted to see whether the tests notice: one changed place each, in layers, order, tags, translation, zones, rollback. */

import { rendered } from '#test/oracle/mutants-rendered.ts';

/** `find` stands in the file exactly once. `tests`: what must fail. `says`: the modelling fault that it is. */
export type Mutant = {
  readonly file: string;
  readonly find: string;
  readonly replace: string;
  readonly tests: readonly string[];
  readonly says: string;
};

const compileTests = ['src/core/compile'];
const programTests = ['src/core/program', 'src/core/compile'];
const verifyTests = ['src/core/verify'];

/** The five faults that a published model of Azure has, as one would make them here. */
const published: readonly Mutant[] = [
  {
    file: 'src/core/compile/sdn/vnet.ts',
    find: '      ...vnet.space,\n',
    replace: "      '10.0.0.0/8', '172.16.0.0/20', '192.168.0.0/16',\n",
    tests: compileTests,
    says: 'VirtualNetwork is a list of private ranges instead of the network and its peers',
  },
  {
    file: 'src/core/compile/sdn/nsg.ts',
    find: '    if (tag !== undefined) sets.add(tag);',
    replace:
      "    if (tag !== undefined && tag !== 'internet') sets.add(tag);\n    else if (tag !== undefined) continue;",
    tests: compileTests,
    says: 'a tag that is not known stands for no address: a deny vanishes',
  },
  {
    file: 'src/core/program/filter.ts',
    find: 'return hasPorts ? portsMatch(rule, packet) : rule.sourcePorts.length === 0 && rule.targetPorts.length === 0;',
    replace: 'return true;',
    tests: programTests,
    says: 'ports are looked at for TCP and UDP rules alone: allow * 22 allows everything',
  },
  {
    file: 'src/core/compile/layout.ts',
    find: '...new Set([nic.nsg, idAt(subnet?.properties',
    replace: '...new Set([idAt(subnet?.properties',
    tests: compileTests,
    says: 'the NIC’s own group is read and never used',
  },
  {
    file: 'src/core/compile/layout.ts',
    find: 'outbound: uses.map(({ outbound }) => outbound),',
    replace: 'outbound: uses.map(({ inbound }) => inbound),',
    tests: compileTests,
    says: 'the inbound rules judge what leaves the machine',
  },
];

const compiled: readonly Mutant[] = [
  {
    file: 'src/core/compile/sdn/nsg.ts',
    find: "      row(65_500, 'DenyAllInBound', ['deny', 'any', 'any']),",
    replace: "      row(65_500, 'DenyAllInBound', ['allow', 'any', 'any']),",
    tests: compileTests,
    says: 'the last default rule allows',
  },
  {
    file: 'src/core/compile/sdn/nsg.ts',
    find: "      row(65_000, 'AllowVnetInBound', ['allow', set('vnet'), set('vnet')]),",
    replace: "      row(65_000, 'AllowVnetInBound', ['allow', 'any', set('vnet')]),",
    tests: compileTests,
    says: 'the default rule for the network lets the internet in',
  },
  {
    file: 'src/core/compile/sdn/nsg.ts',
    find: "key: `${String(priority).padStart(4, '0')}/${name}` };",
    replace: 'key: `${String(priority)}/${name}` };',
    tests: compileTests,
    says: 'rules are ordered by their text, 1000 before 200',
  },
  {
    file: 'src/core/compile/layout.ts',
    find: 'const isClosed = nsgs.length === 0 && hasStandard(nic, index);',
    replace: 'const isClosed = false as boolean && hasStandard(nic, index);',
    tests: compileTests,
    says: 'a Standard address without a group is open',
  },
  {
    file: 'src/core/compile/sdn/route.ts',
    find: "  for (const prefix of droppedByDefault) add(prefix, { kind: 'none' }, 'system/private');",
    replace: '',
    tests: compileTests,
    says: 'private ranges of nobody are routed to the internet',
  },
  {
    file: 'src/core/compile/sdn/peering.ts',
    find: '      if (!sides.has(`${side.remote} ${side.vnet}`)) continue;'.slice(2),
    replace: '',
    tests: compileTests,
    says: 'half a peering joins two networks',
  },
  {
    file: 'src/core/compile/sdn/peering.ts',
    find: "|| peering.properties['allowVirtualNetworkAccess'] === false) continue;",
    replace: ') continue;',
    tests: compileTests,
    says: 'a peering that forbids access gives it',
  },
  {
    file: 'src/core/compile/edge/edge.ts',
    find: '[...privatePrefixes(stamp.profile), ...stamp.publicPools]',
    replace: '[...privatePrefixes(stamp.profile)]',
    tests: compileTests,
    says: 'the stamp’s own public addresses come in as sources',
  },
  {
    file: 'src/core/compile/edge/source.ts',
    find: 'if (isPublic) publics[address] = { label: at.label,',
    replace: 'if (isPublic) publics[address] = { label: nic.addresses[0]?.label ?? at.label,',
    tests: compileTests,
    says: 'every public address of a NIC stands for its first private one',
  },
  {
    file: 'src/core/compile/sdn/vnet.ts',
    find: '...userPrefixes.filter((prefix) => isPrivate(prefix, privatePrefixes(stamp.profile))),',
    replace: '...userPrefixes,',
    tests: compileTests,
    says: 'a default route widens VirtualNetwork to the internet',
  },
];

const programs: readonly Mutant[] = [
  {
    file: 'src/core/program/eval-router.ts',
    find: '  if (!isOwn && !port.forwarding) {',
    replace: '  if (!isOwn && port.forwarding) {',
    tests: programTests,
    says: 'a spoofed source passes',
  },
  {
    file: 'src/core/program/eval-router.ts',
    find: '    judged(walk, { router, names: port.outbound }, packet) ??\n',
    replace: '',
    tests: programTests,
    says: 'nothing judges what leaves a machine',
  },
  {
    file: 'src/core/program/eval-router.ts',
    find: 'const refused = judged(walk, { router, names: port.inbound }, packet);',
    replace: 'const refused = judged(walk, { router, names: port.inbound.slice(0, 1) }, packet);',
    tests: programTests,
    says: 'one of two inbound groups is enough: or in place of and',
  },
  {
    file: 'src/core/program/eval-router.ts',
    find: 'if (!peer.forwarded && !isIn(peer.prefixes, packet.source)) {',
    replace: 'if (false as boolean && !isIn(peer.prefixes, packet.source)) {',
    tests: programTests,
    says: 'forwarded traffic enters a peer that does not take it',
  },
  {
    file: 'src/core/program/eval-router.ts',
    find: 'targetPort: balance.port === 0 ? packet.targetPort : balance.targetPort };',
    replace: 'targetPort: packet.targetPort };',
    tests: programTests,
    says: 'a balance does not translate the port',
  },
  {
    file: 'src/core/program/eval-edge.ts',
    find: "if (from === 'internet' && isIn(edge.bogons, packet.source)) {",
    replace: "if (from === 'internet' && isIn(edge.pool, packet.source)) {",
    tests: programTests,
    says: 'private sources come from the internet',
  },
  {
    file: 'src/core/program/eval-edge.ts',
    find: '    if (!isIn(endpoint.sources, packet.source)) {',
    replace: '    if (endpoint.sources.length === 0) {',
    tests: programTests,
    says: 'everybody reaches the administration’s endpoint',
  },
  {
    file: 'src/core/program/filter.ts',
    find: 'prefix.length > (best?.length ?? -1)',
    replace: 'prefix.length < (best?.length ?? 129)',
    tests: programTests,
    says: 'the shortest prefix decides',
  },
  {
    file: 'src/core/program/filter.ts',
    find: 'const keys = Object.keys(filter.rules).sort();',
    replace: 'const keys = Object.keys(filter.rules).sort().reverse();',
    tests: programTests,
    says: 'the last rule that matches decides',
  },
];

const verified: readonly Mutant[] = [
  {
    file: 'src/core/verify/reach/inside.ts',
    find: '    if (!isBalanceTarget(reach, place, { balance, address: to.address })) continue;\n',
    replace: '',
    tests: verifyTests,
    says: 'all targets of an inner balance are chosen, also when the table leads some through an appliance',
  },
  {
    file: 'src/core/verify/reach/inside.ts',
    find: '    (rest, one) => store.difference(rest, reach.takenSet(one)),',
    replace: '    (rest) => rest,',
    tests: verifyTests,
    says: 'two balances of one address both take the packet',
  },
  {
    file: 'src/core/verify/reach/inside.ts',
    find: '  return halves.moved(mine, port, targetPort);',
    replace: '  return mine;',
    tests: verifyTests,
    says: 'an inner balance does not translate the port',
  },
  {
    file: 'src/core/verify/reach/inward.ts',
    find: '  return store.complement(halves.remote(reach.edge?.bogons ?? [], addressDigits(address).family));',
    replace: '  return store.complement(halves.remote([], addressDigits(address).family));',
    tests: verifyTests,
    says: 'sources that are not the internet come from there',
  },
  {
    file: 'src/core/verify/reach/inward.ts',
    find: '  return [...reach.entered(end, sources), ...relayed(reach, end, sources)];',
    replace: '  return [...reach.entered(end, sources)];',
    tests: verifyTests,
    says: 'what an appliance sends on is forgotten',
  },
  {
    file: 'src/core/verify/reach/outward.ts',
    find: '    const out = store.difference(toBoundary(reach, from), inside);',
    replace: '    const out = toBoundary(reach, from);',
    tests: verifyTests,
    says: 'the stamp’s own addresses are taken for the internet',
  },
  {
    file: 'src/core/verify/reach/outward.ts',
    find: "  return kept === nothing ? nothing : store.intersection(kept, reach.fabric('source', label));",
    replace: '  return kept;',
    tests: verifyTests,
    says: 'the switch is no layer of the way out',
  },
  {
    file: 'src/core/verify/reach/outward.ts',
    find: 'const mine = store.intersection(sent, reach.spoken(entry));',
    replace: 'const mine = store.intersection(sent, reach.spoken({ ...entry, taken: [] }));',
    tests: verifyTests,
    says: 'two balances of the boundary both take the packet',
  },
  {
    file: 'src/core/verify/reach/reach.ts',
    find: '    return taken.reduce((rest, one) => store.difference(rest, this.takenSet(one)), own);',
    replace: '    return own;',
    tests: verifyTests,
    says: 'what an earlier balance of the boundary takes reaches the later one from the internet',
  },
  {
    file: 'src/core/verify/reach/outward.ts',
    find: '  return entry.port === 0 ? mine : halves.moved(mine, entry.port, entry.targetPort);',
    replace: '  return mine;',
    tests: verifyTests,
    says: 'a packet that comes back in keeps the port of the frontend',
  },
  {
    file: 'src/core/verify/reach/routes.ts',
    find: '      .toSorted((left, right) => right.length - left.length);',
    replace: '      .toSorted((left, right) => left.length - right.length);',
    tests: verifyTests,
    says: 'the shortest route decides, in sets',
  },
  {
    file: 'src/core/verify/reach/relay.ts',
    find: '    store.difference(sources, halves.remote(own, family)),',
    replace: '    sources,',
    tests: verifyTests,
    says: 'an appliance sends on as itself',
  },
  {
    file: 'src/core/verify/reach/relay.ts',
    find: "    reach.filtered(relay, relay.port.outbound, { local: 'target', address: end.address }),",
    replace: "    reach.filtered(relay, relay.port.inbound, { local: 'target', address: end.address }),",
    tests: verifyTests,
    says: 'the inbound rules judge what an appliance sends on',
  },
  {
    file: 'src/core/verify/reach/relay.ts',
    find: ' && (one.key === other.key || Object.hasOwn(one.peers, other.key));',
    replace: ' && one.key === other.key;',
    tests: verifyTests,
    says: 'an appliance reaches no peered network',
  },
  {
    file: 'src/core/verify/filter-set.ts',
    find: '  return store.diagrams.apply(operations.overlay, whole, nothing);',
    replace: '  return store.diagrams.apply(operations.overlay, whole, all);',
    tests: verifyTests,
    says: 'what no rule speaks of is let in',
  },
  {
    file: 'src/core/verify/packet-sets.ts',
    find: '  ah: [4, 15],',
    replace: '  ah: [4, 14],',
    tests: verifyTests,
    says: 'a value that no protocol has makes equal sets unequal',
  },
  {
    file: 'src/core/verify/kept.ts',
    find: '    if (this.#isLogging) this.#log.push({ key, before: this.#values.get(key) });\n',
    replace: '',
    tests: verifyTests,
    says: 'a rollback keeps what was remembered of rows that are gone',
  },
  {
    file: 'src/core/verify/memo.ts',
    find: '    if (this.#logging && this.#logged <= logLengthMax) this.#log[this.#logged++] = at;\n',
    replace: '',
    tests: verifyTests,
    says: 'a rollback keeps results that name rows that are gone',
  },
  {
    file: 'src/core/verify/diagrams.ts',
    find: '    this.trees.memo.rollback(mark.treeMemo);\n',
    replace: '',
    tests: verifyTests,
    says: 'a rollback forgets the memory of labels',
  },
  {
    file: 'src/core/verify/proof/changed.ts',
    find: '      for (const mark of users.outbound.get(key) ?? []) changed.out.add(mark);\n',
    replace: '',
    tests: verifyTests,
    says: 'a changed outbound rule concerns nobody',
  },
  {
    file: 'src/core/verify/proof/changed.ts',
    find: '  if (old === undefined || now === undefined || isElsewise(old, now)) {',
    replace: '  if (old === undefined || now === undefined) {',
    tests: verifyTests,
    says: 'changed sets, peers or balances of a router concern nobody',
  },
  {
    file: 'src/core/verify/proof/changed.ts',
    find: '  if (!changed.all) spread(changed, before, after);\n',
    replace: '',
    tests: verifyTests,
    says: 'a changed appliance concerns itself alone',
  },
  {
    file: 'src/core/verify/invariant/never.ts',
    find: '    return store.intersection(bad, services);',
    replace: '    return bad;',
    tests: verifyTests,
    says: 'every service is a forbidden one',
  },
  {
    file: 'src/core/verify/invariant/tenants.ts',
    find: '!own.peered.includes(key) || !other.peered.includes(router.key)',
    replace: '!own.peered.includes(key)',
    tests: verifyTests,
    says: 'one owner’s word joins two networks',
  },
  {
    file: 'src/core/verify/invariant/spoofing.ts',
    find: '    if (forwarding && !nic.forwarding) note(',
    replace: '    if (false as boolean) note(',
    tests: verifyTests,
    says: 'a NIC that forwards unasked is none that sends as another',
  },
];

/** All of them. */
export const mutants: readonly Mutant[] = [...published, ...compiled, ...programs, ...verified, ...rendered];
