/** The namespace of the stamp's own endpoints: its firewall repeats who may connect, behind boundary and switch. */

import { publishedEndpoints, resolverAddress, stampNetworks } from '#model/infra.ts';
import type { StampFacts } from '#model/resource.ts';
import type { InfraProgram, Rule } from '#program/program.ts';

/** One rule per published endpoint, and one for guests' questions to the resolver; nothing else gets in. */
export function compileInfra(stamp: StampFacts): InfraProgram {
  const endpoints = publishedEndpoints(stamp);
  const rules = endpoints.map(({ name, target, port, sources }, index): [string, Rule] => [
    `${String(100 + 10 * index).padStart(4, '0')}/${name}`,
    {
      access: 'allow',
      protocol: 'tcp',
      source: { prefixes: sources, sets: [] },
      target: { prefixes: [`${target}/32`], sets: [] },
      sourcePorts: [],
      targetPorts: [[port, port]],
      because: `infra/${name}`,
    },
  ]);
  const resolver = resolverAddress(stamp.number);
  rules.push([
    '0500/resolver',
    {
      access: 'allow',
      protocol: 'any',
      source: { prefixes: stampNetworks(stamp.number).labels.filter((text) => !text.includes(':')), sets: [] },
      target: { prefixes: [`${resolver}/32`], sets: [] },
      sourcePorts: [],
      targetPorts: [[53, 53]],
      because: 'infra/resolver',
    },
  ]);
  return {
    kind: 'infra',
    addresses: [...endpoints.map(({ target }) => target), resolver],
    filter: { rules: Object.fromEntries(rules) },
  };
}
