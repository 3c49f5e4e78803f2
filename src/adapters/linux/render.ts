/** A point's program as what its namespace must have: rules and network, in the kernel's own words. */

import { edgeNetwork, hostNetwork, infraNetwork, switchNetwork } from '#adapters/linux/fabric-network.ts';
import { renderEdge, renderHost, renderInfra, renderSwitch } from '#adapters/linux/fabric-rules.ts';
import { routerNetwork } from '#adapters/linux/router-network.ts';
import type { RouterPlace } from '#adapters/linux/router-place.ts';
import { renderRouter } from '#adapters/linux/router-rules.ts';
import type { Wanted } from '#adapters/linux/apply.ts';
import type { Programs, RouterProgram } from '#program/program.ts';

/** Renders one point; undefined when the programs do not have it. */
export function renderPoint(programs: Programs, point: string, stamp: number): Wanted | undefined {
  const program = programs[point];
  switch (program?.kind) {
    case undefined:
      return undefined;
    case 'edge':
      return {
        ruleset: renderEdge(program),
        network: edgeNetwork(program, { stamp, infra: [`10.255.${stamp}.0/24`] }),
      };
    case 'switch': {
      const underlays = underlaysOf(programs);
      return { ruleset: renderSwitch(program, underlays), network: switchNetwork(program, underlays) };
    }
    case 'host':
      return { ruleset: renderHost(program), network: hostNetwork(program, routersOn(programs, program.host)) };
    case 'infra':
      return { ruleset: renderInfra(program), network: infraNetwork(program) };
    case 'resolver':
      // Not the kernel's: its own process has it (main/edged.ts).
      return undefined;
    case 'router': {
      const place = placeOf(programs, program);
      return { ruleset: renderRouter(program, place), network: routerNetwork(program, place) };
    }
  }
}

/** Underlay addresses of all hosts, by host. */
function underlaysOf(programs: Programs): { readonly [host: string]: string } {
  const found: { [host: string]: string } = {};
  for (const program of Object.values(programs)) if (program.kind === 'host') found[program.host] = program.underlay;
  return found;
}

/** Points of the routers on a host. */
function routersOn(programs: Programs, host: string): string[] {
  return Object.keys(programs)
    .filter((point) => point.startsWith('router/') && point.endsWith(`/${host}`))
    .sort();
}

/** The peers of a router whose own routers stand on the same host and know of it. */
export function placeOf(programs: Programs, program: RouterProgram): RouterPlace {
  const peers = Object.keys(program.peers).filter((key) => {
    const other = programs[`router/${key}/${program.host}`];
    return other?.kind === 'router' && Object.hasOwn(other.peers, program.key);
  });
  const host = programs[`host/${program.host}`];
  const resolver = programs['resolver'];
  return {
    peers: peers.sort(),
    underlay: host?.kind === 'host' ? host.underlay : '',
    others: host?.kind === 'host' ? host.others : {},
    resolver: resolver?.kind === 'resolver' ? resolver.address : '',
  };
}
