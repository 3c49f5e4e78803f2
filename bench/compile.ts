/** What one changed rule costs the compiler, by size of its NSG, with 1,000 NICs on the stamp. */

import { digestOf } from '#base/tree.ts';
import { CompileMemo, compileStamp } from '#compile/stamp.ts';
import type { JsonObject } from '#base/json.ts';
import { rounded } from '#bench/figures.ts';
import type { MemoryView } from '#model/memory.ts';
import type { Resource } from '#model/resource.ts';
import type { Programs } from '#program/program.ts';
import {
  addNic,
  addNsg,
  addRule,
  addSubnet,
  addVnet,
  type Build,
  labStamp,
  newBuild,
  resourceOf,
  viewOf,
} from '#test/generate/build.ts';

const nicsOfStamp = 1000;
const groupsBesides = 200;
const rounds = 300;

/** `npm run bench -- compile` */
export function benchCompile(): Promise<JsonObject> {
  const rows = [10, 200, 1000].map(measure);
  const [small, , large] = rows;
  return Promise.resolve({
    nics: nicsOfStamp,
    groups: groupsBesides + 1,
    rows,
    ratio: { rules_1000_over_10: rounded((large?.rule_p50_ms ?? 0) / (small?.rule_p50_ms ?? 1)) },
  });
}

function stampWith(rules: number): Build {
  const build = newBuild();
  addNsg(
    build,
    'big',
    Array.from({ length: rules }, (_, index) => ruleRow(index, 1000)),
  );
  for (let group = 0; group < groupsBesides; group++) addNsg(build, `n${group}`, [ruleRow(0, 1000), ruleRow(1, 1000)]);
  for (let vnet = 0; vnet < 10; vnet++) {
    addVnet(build, `v${vnet}`, [`10.${vnet}.0.0/16`]);
    addSubnet(build, `v${vnet}/s`, [[`10.${vnet}.0.0/16`], vnet === 0 ? { nsg: 'big' } : {}]);
    for (let nic = 0; nic < nicsOfStamp / 10; nic++) {
      const host = nic % 2 === 0 ? 'h1' : 'h2';
      addNic(build, `v${vnet}n${nic}`, {
        subnet: `v${vnet}/s`,
        addresses: [`10.${vnet}.1.${nic + 4}`],
        host,
        nsg: `n${(vnet * 100 + nic) % groupsBesides}`,
      });
    }
  }
  return build;
}

function ruleRow(index: number, port: number) {
  return [`r${index}`, 100 + index, 'In', 'Allow', 'Tcp', `203.0.113.${index % 256}`, '*', String(port)] as const;
}

function touch(view: MemoryView, build: Build, port: number): void {
  const id = addRule(newBuild(build.stamp), 'big', ruleRow(5, port));
  const nsg = view.get(id.id.split('/').slice(0, -2).join('/')) as Resource;
  const parent = resourceOf({ path: nsg.id, properties: nsg.properties });
  view.commit([
    { id: id.id, before: view.get(id.id), after: id },
    { id: nsg.id, before: nsg, after: parent },
  ]);
}

/** What a change of one NIC costs, sorted: the layout of the whole stamp is looked at again. */
function measureNics(view: MemoryView, memo: CompileMemo): number[] {
  const nics = view.ofType('Microsoft.Network/networkInterfaces');
  return nics
    .slice(0, 40)
    .map((nic) => {
      const properties = { ...nic.properties, enableIPForwarding: true };
      const after = resourceOf({ path: nic.id, properties, ...(nic.internal ? { internal: nic.internal } : {}) });
      view.commit([{ id: nic.id, before: nic, after }]);
      const start = performance.now();
      compileStamp(view, labStamp, memo);
      return performance.now() - start;
    })
    .sort((left, right) => left - right);
}

function percentile(sorted: readonly number[], share: number): number {
  return Math.round((sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0) * 1000) / 1000;
}

function measure(rules: number) {
  const build = stampWith(rules);
  const view = viewOf(build);
  const memo = new CompileMemo();
  const begin = performance.now();
  let programs: Programs = compileStamp(view, labStamp, memo);
  const fullMs = performance.now() - begin;
  const digestBegin = performance.now();
  digestOf(programs as unknown as JsonObject);
  const digestFullMs = performance.now() - digestBegin;
  const compileMs: number[] = [];
  const digestMs: number[] = [];
  for (let round = 0; round < rounds; round++) {
    touch(view, build, 2000 + round);
    const start = performance.now();
    programs = compileStamp(view, labStamp, memo);
    const middle = performance.now();
    digestOf(programs as unknown as JsonObject);
    compileMs.push(middle - start);
    digestMs.push(performance.now() - middle);
  }
  const nicMs = measureNics(view, memo);
  compileMs.sort((left, right) => left - right);
  digestMs.sort((left, right) => left - right);
  return {
    rules,
    full_ms: Math.round(fullMs * 10) / 10,
    digest_full_ms: Math.round(digestFullMs * 10) / 10,
    rule_p50_ms: percentile(compileMs, 0.5),
    rule_p99_ms: percentile(compileMs, 0.99),
    rule_max_ms: percentile(compileMs, 1),
    nic_p50_ms: percentile(nicMs, 0.5),
    digest_p50_ms: percentile(digestMs, 0.5),
  };
}
