/** The boundary's program. */

import { mergePrefixes, parsePrefix, printPrefix } from '#base/prefix.ts';
import type { Sources } from '#compile/edge/source.ts';
import { poolAddress, privatePrefixes, publishedEndpoints, stampNetworks } from '#model/infra.ts';
import type { StampFacts } from '#model/resource.ts';
import type { EdgeProgram } from '#program/program.ts';

/** What the boundary drops, translates, balances and publishes. */
export function compileEdge(stamp: StampFacts, sources: Sources, balances: EdgeProgram['balances']): EdgeProgram {
  const { labels, internet, operator } = stampNetworks(stamp.number);
  // Our own public addresses never come from outside either.
  const bogons = mergePrefixes(
    [...privatePrefixes(stamp.profile), ...stamp.publicPools].map((text) => parsePrefix(text)),
  );
  return {
    kind: 'edge',
    bogons: bogons.map(printPrefix),
    pool: stamp.publicPools.map((text) => printPrefix(parsePrefix(text))),
    labels,
    internet,
    operator: [operator],
    operatorSource: poolAddress(stamp, 1),
    ...sources,
    balances,
    published: Object.fromEntries(
      publishedEndpoints(stamp).map(({ name, address, target, port, sources: allowed }) => [
        name,
        {
          address,
          protocol: 'tcp',
          port,
          target,
          targetPort: port,
          sources: allowed,
          because: `published/${name}`,
        } as const,
      ]),
    ),
  };
}
