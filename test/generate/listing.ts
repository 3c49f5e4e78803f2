/** What the kernel would list of a namespace that has exactly what was rendered: in the words of `ip -j -N`, with what the kernel adds by itself. */

import type { JsonObject } from '#base/json.ts';
import { parseAddress, prefixOf, printPrefix } from '#base/prefix.ts';
import type { Wanted } from '#adapters/linux/apply.ts';
import type { RouteListing } from '#adapters/linux/lift-routes.ts';
import { routeProtocol } from '#adapters/linux/names.ts';
import type { Network } from '#adapters/linux/network.ts';
import type { ActualRuleset, NftTable } from '#adapters/linux/ruleset.ts';
import type { PointListing } from '#adapters/linux/validate-point.ts';

/** The listing of a point whose kernel has what is wanted. */
export function listingOf({ ruleset, network }: Wanted): PointListing {
  return { ruleset: listedRuleset(ruleset), routing: listedRouting(network), gone: new Set() };
}

function listedRuleset(ruleset: ReadonlyMap<string, NftTable>): ActualRuleset {
  return new Map(
    [...ruleset].map(([family, { sets, chains }]) => {
      let handle = 0;
      const listed = [...chains].map(
        ([name, { hook, rules }]) =>
          [name, { hook, rules: rules.map((text) => ({ text, handle: ++handle })) }] as const,
      );
      return [family, { sets, chains: new Map(listed) }];
    }),
  );
}

const types: { readonly [word: string]: string } = { local: '2', blackhole: '6', throw: '9' };

function listedRouting({ routes, rules, neighbours, forwarding, addresses }: Network): RouteListing {
  const marks = [...rules].map(listedRule);
  const base = (priority: number, table: string) => ({ priority, src: 'all', table });
  return {
    routes: [...[...routes].map(listedRoute), ...[...addresses].flatMap(kernelRoutes)],
    rulesFour: [base(0, '255'), ...marks, base(32_766, '254'), base(32_767, '253')],
    rulesSix: [base(0, '255'), ...marks, base(32_766, '254')],
    neighbours: [...neighbours].map((text) => {
      const [dst = '', , lladdr = '', , dev = ''] = text.split(' ');
      return { dst, dev, lladdr, state: ['PERMANENT'] };
    }),
    forwarding: [...forwarding].map((text) => {
      const [mac = '', , ifname = '', , dst = ''] = text.split(' ');
      return { mac, ifname, dst, flags: ['self'], state: 'permanent' };
    }),
  };
}

function listedRule(text: string): JsonObject {
  const [, priority, fwmark = '', fwmask = '', table = ''] =
    /^pref (\d+) fwmark (\S+)\/(\S+) lookup (\d+)$/.exec(text) ?? [];
  return { priority: Number(priority), src: 'all', fwmark, fwmask, table };
}

function listedRoute(text: string): JsonObject {
  const words = text.split(' ');
  const type = types[words[0] ?? ''];
  if (type !== undefined) words.shift();
  const [dst = ''] = words;
  const after = (word: string) => (words.includes(word) ? words[words.indexOf(word) + 1] : undefined);
  const [gateway, dev, table] = ['via', 'dev', 'table'].map(after);
  return {
    ...(type === undefined ? {} : { type }),
    dst: dst.endsWith('/0') ? 'default' : dst.replace(dst.includes(':') ? /\/128$/ : /\/32$/, ''),
    ...(gateway === undefined ? {} : { gateway }),
    ...(dev === undefined ? {} : { dev }),
    ...(table === '254' || table === undefined ? {} : { table }),
    protocol: String(routeProtocol),
    flags: words.includes('onlink') ? ['onlink'] : [],
    ...(dst.includes(':') ? { family: '6', metric: 1024 } : {}),
  };
}

/** For an address, the kernel adds a route to itself, and one to the addresses of its link. */
function kernelRoutes(text: string): JsonObject[] {
  const [whole = '', , dev = ''] = text.split(' ');
  const [address = '', length = ''] = whole.split('/');
  const isSix = address.includes(':');
  const own = { protocol: '2', flags: [], dev, ...(isSix ? { family: '6' } : {}) };
  const network = printPrefix(prefixOf(parseAddress(address), Number(length)));
  return [
    { type: '2', dst: address, table: '255', prefsrc: address, ...own },
    ...(Number(length) === (isSix ? 128 : 32) ? [] : [{ dst: network, metric: isSix ? 256 : 0, ...own }]),
  ];
}
