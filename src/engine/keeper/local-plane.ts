/** The part of a stamp that this machine carries: the data plane is given the programs of its own hosts alone. */

import type { Plane } from '#engine/plane-port.ts';
import type { HostProgram, Program, Programs, SwitchProgram } from '#program/program.ts';

/**
 * A plane that knows nothing of hosts that other machines carry. The records still name all programs: what is proved is the
 * whole stamp, what is rendered is a part of it.
 */
export function localPlane(plane: Plane, hosts: readonly string[]): Plane {
  const isLocal = (point: string): boolean => {
    const host = hostOf(point);
    return host === undefined || hosts.includes(host);
  };
  const parts = new WeakMap<Programs, Programs>();
  const switches = new WeakMap<Program, Program>();
  const local = (programs: Programs): Programs => {
    const known = parts.get(programs);
    if (known !== undefined) return known;
    const mine = Object.entries(programs).flatMap(([point, program]): [string, Program][] => {
      if (!isLocal(point)) return [];
      return [[point, program.kind === 'switch' ? localSwitch(program) : program]];
    });
    const part = Object.freeze(Object.fromEntries(mine));
    parts.set(programs, part);
    return part;
  };
  /** Unchanged as long as the whole one is, so that it is not rendered anew. */
  const localSwitch = (program: SwitchProgram): Program => {
    const known = switches.get(program);
    if (known !== undefined) return known;
    const routes = Object.entries(program.routes).filter(([, at]) => isLocal(at));
    const part = Object.freeze({ ...program, routes: Object.freeze(Object.fromEntries(routes)) });
    switches.set(program, part);
    return part;
  };
  return {
    up: () => plane.up(),
    apply: (before, after) => plane.apply(local(before), local(after)),
    prepare: (before, after) => plane.prepare(local(before), local(after)),
    readBack: (point) => (isLocal(point) ? plane.readBack(point) : Promise.resolve([])),
    suspects: () => plane.suspects(),
    repair: (point) => plane.repair(point),
    attach: (mark, pid, name) => plane.attach(mark, pid, name),
    detach: (mark) => plane.detach(mark),
    down: () => plane.down(),
    close: () => plane.close(),
    cut: (flows) => plane.cut(flows),
    probe: (probe) => plane.probe(probe),
    probes: (wanted) => plane.probes(wanted),
  };
}

/** The host of a point; undefined for what every machine of the stamp shares. */
function hostOf(point: string): HostProgram['host'] | undefined {
  const [kind, first, second] = point.split('/');
  return kind === 'router' ? second : kind === 'host' ? first : undefined;
}
