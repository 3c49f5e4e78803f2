/** A template of 200 networking resources deployed through ARM, what-if of it afterwards, and the same resources by single PUTs as its peer. */

import type { JsonObject } from '#base/json.ts';
import { Fault } from '#base/wrong.ts';
import { medianOf, rounded, timed } from '#bench/figures.ts';
import { Furniture, ruleBody } from '#bench/furniture.ts';
import { type OwnStamp, withOwnStamp } from '#bench/own-stamp.ts';
import { inParallel } from '#bench/parallel.ts';
import { progress } from '#bench/progress.ts';
import { appendSpread, scratchStore } from '#bench/store.ts';

const rounds = 3;
const version = '2018-11-01';
const perKind = { networkSecurityGroups: 40, routeTables: 20, virtualNetworks: 20, networkInterfaces: 120 } as const;
const total = Object.values(perKind).reduce((sum, count) => sum + count, 0);
/** As many at once as deployments run themselves. */
const parallel = 16;

type Item = {
  readonly type: string;
  readonly name: string;
  readonly properties: JsonObject;
  readonly dependsOn: readonly string[];
};

/** `npm run bench -- template` */
export async function benchTemplate(): Promise<JsonObject> {
  return await withOwnStamp(async (stamp) => {
    const rows: JsonObject[] = [];
    const times: Times[] = [];
    for (let round = 0; round < rounds; round++) {
      progress(`Round ${round + 1} of ${rounds}.`);
      const found = await measure(stamp, round);
      times.push(found);
      rows.push({ round: round + 1, ...found });
    }
    const middle = (key: keyof Times) => rounded(medianOf(times.map((one) => one[key])));
    const append = await appendLimit();
    const [template, single] = [middle('template_s'), middle('single_puts_s')];
    return {
      resources: total,
      rows,
      median: {
        template_s: template,
        what_if_s: middle('what_if_s'),
        again_s: middle('again_s'),
        single_puts_s: single,
      },
      limits: { single_puts_s: single, store_append_ms: append, appends_of_all_s: rounded((append * total) / 1000) },
      ratio: { over_single_puts: rounded(template / single) },
      what: `${Object.entries(perKind)
        .map(([kind, count]) => `${count} ${kind}`)
        .join(', ')}; no guests, so no NIC has a port; single PUTs ${parallel} at a time, in order of dependence.`,
    };
  });
}

type Times = {
  readonly template_s: number;
  readonly what_if_s: number;
  readonly again_s: number;
  readonly single_puts_s: number;
};

async function measure(stamp: OwnStamp, round: number): Promise<Times> {
  const [deployed, single] = [new Furniture(stamp, `deployed${round}`), new Furniture(stamp, `single${round}`)];
  await deployed.makeGroup();
  await single.makeGroup();
  const properties = { mode: 'Incremental', template: templateOf(items(round * 2)) };
  const put = () => deploy(deployed, properties);
  const template = await timed(put);
  const whatIf = await timed(() => changeless(deployed, properties));
  const again = await timed(put);
  const puts = await timed(() => putAll(single, items(round * 2 + 1)));
  return {
    template_s: seconds(template),
    what_if_s: seconds(whatIf),
    again_s: seconds(again),
    single_puts_s: seconds(puts),
  };
}

function seconds(ms: number): number {
  return rounded(ms / 1000);
}

const deploymentsVersion = '2021-04-01';

async function deploy({ stamp, group }: Furniture, properties: JsonObject): Promise<void> {
  const id = `${group}/providers/Microsoft.Resources/deployments/large?api-version=${deploymentsVersion}`;
  await stamp.arm.send('PUT', id, { properties });
  const { body } = await stamp.arm.send('GET', id);
  const state = (body as { properties: { provisioningState: string } }).properties.provisioningState;
  if (state !== 'Succeeded')
    throw new Fault('DeploymentFailed', `The deployment ended as ${state}: ${JSON.stringify(body).slice(0, 2000)}`);
}

/** What-if of what is deployed must name all resources and show no change (issue A, templates). */
async function changeless({ stamp, group }: Furniture, properties: JsonObject): Promise<void> {
  const path = `${group}/providers/Microsoft.Resources/deployments/large/whatIf?api-version=${deploymentsVersion}`;
  const { body } = await stamp.arm.send('POST', path, {
    properties: { ...properties, whatIfSettings: { resultFormat: 'FullResourcePayloads' } },
  });
  const changes = changesIn(body);
  const wrong = changes.filter(({ changeType }) => changeType !== 'NoChange' && changeType !== 'Ignore');
  if (changes.length < total || wrong.length > 0) {
    throw new Fault(
      'WhatIfWrong',
      `What-if names ${changes.length} resources, ${wrong.length} of them changed: ${JSON.stringify(wrong.slice(0, 2) ?? body)}`,
    );
  }
}

type Change = { readonly changeType: string };

/** The answer's own `changes`, or those inside `properties` of an operation's result. */
function changesIn(body: unknown): readonly Change[] {
  const outer = body as { changes?: Change[]; properties?: { changes?: Change[] } } | null;
  return outer?.changes ?? outer?.properties?.changes ?? [];
}

async function putAll(furniture: Furniture, list: readonly Item[]): Promise<void> {
  for (const type of Object.keys(perKind)) {
    const some = list.filter((item) => item.type === type);
    await inParallel(some, parallel, ({ name, properties }) =>
      furniture.stamp.arm.send('PUT', furniture.network(`${type}/${name}`), {
        location: furniture.stamp.location,
        properties: resolved(properties, furniture) as JsonObject,
      }),
    );
  }
}

/** Template expressions of ids are the only ones used, so single PUTs need no engine. */
function resolved(value: unknown, furniture: Furniture): unknown {
  if (typeof value === 'string')
    return value.replace(/^\[resourceId\('Microsoft\.Network\/(.+)'\)\]$/, (_, inner: string) =>
      furniture.id(pathOf(inner)),
    );
  if (Array.isArray(value)) return value.map((item) => resolved(item, furniture));
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, resolved(member, furniture)]));
  return value;
}

/** `virtualNetworks/subnets','v','s` is `virtualNetworks/v/subnets/s`. */
function pathOf(inner: string): string {
  const [types = '', ...names] = inner.split("','");
  return types
    .split('/')
    .map((type, index) => `${type}/${names[index] ?? ''}`)
    .join('/');
}

function templateOf(list: readonly Item[]): JsonObject {
  return {
    $schema: 'https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#',
    contentVersion: '1.0.0.0',
    resources: list.map(({ type, ...rest }) => ({
      type: `Microsoft.Network/${type}`,
      apiVersion: version,
      location: '[resourceGroup().location]',
      ...rest,
    })),
  };
}

/** Each VNet has two groups, a route table and two subnets; each NIC is in one of the subnets. Prefixes differ by `space`. */
function items(space: number): Item[] {
  const idOf = (types: string, ...names: readonly string[]) =>
    `[resourceId('Microsoft.Network/${[types, ...names].join("','")}')]`;
  const groups = counted(
    'networkSecurityGroups',
    (index): Item => ({
      type: 'networkSecurityGroups',
      name: `nsg${index}`,
      properties: {
        securityRules: [100, 200, 300].map((priority) => ({
          name: `r${priority}`,
          properties: ruleBody({ priority, port: 1000 + priority + index }),
        })),
      },
      dependsOn: [],
    }),
  );
  const tables = counted(
    'routeTables',
    (index): Item => ({
      type: 'routeTables',
      name: `table${index}`,
      properties: { routes: [{ name: 'none', properties: { addressPrefix: '192.0.2.0/24', nextHopType: 'None' } }] },
      dependsOn: [],
    }),
  );
  const networks = counted('virtualNetworks', (index): Item => {
    const links = [0, 1].map((half) => idOf('networkSecurityGroups', `nsg${index * 2 + half}`));
    const table = idOf('routeTables', `table${index}`);
    const subnets = links.map((id, half) => ({
      name: `subnet${half}`,
      properties: {
        addressPrefix: `10.${space * 20 + index}.${half}.0/24`,
        networkSecurityGroup: { id },
        routeTable: { id: table },
      },
    }));
    return {
      type: 'virtualNetworks',
      name: `vnet${index}`,
      properties: { addressSpace: { addressPrefixes: [`10.${space * 20 + index}.0.0/16`] }, subnets },
      dependsOn: [...links, table],
    };
  });
  const nics = counted('networkInterfaces', (index): Item => {
    const vnet = `vnet${index % perKind.virtualNetworks}`;
    const subnet = { id: idOf('virtualNetworks/subnets', vnet, `subnet${index % 2}`) };
    return {
      type: 'networkInterfaces',
      name: `nic${index}`,
      properties: { ipConfigurations: [{ name: 'ip1', properties: { subnet, privateIPAllocationMethod: 'Dynamic' } }] },
      dependsOn: [idOf('virtualNetworks', vnet)],
    };
  });
  return [...groups, ...tables, ...networks, ...nics];
}

function counted(kind: keyof typeof perKind, make: (index: number) => Item): Item[] {
  return Array.from({ length: perKind[kind] }, (_, index) => make(index));
}

async function appendLimit(): Promise<number> {
  const { store, remove } = scratchStore();
  try {
    return (await appendSpread(store, 100)).p50_ms;
  } finally {
    remove();
  }
}
