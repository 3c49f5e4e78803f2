/** The bodies of Azure's own examples: each PUT of a type of ours is accepted when what it refers to is there. */

import { equal, ok } from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { isObject, type Json, type JsonObject } from '#base/json.ts';
import { Refusal } from '#base/wrong.ts';
import { formatId, tryId, typeOfId } from '#model/arm-id.ts';
import { nouns } from '#model/nouns.ts';
import { makeWorld, refusalOf, type World } from '#model/test-world.ts';

const corpus = process.env['RINGWALL_CORPUS'] ?? '../shared/corpus';
const examples = join(corpus, 'arm-specs/network-2018-11-01/examples');

// What the examples refer to, made before each of them.
function withReferences(location: string): World {
  const world = makeWorld({ location });
  const at = (rg: string, path: string) =>
    `/subscriptions/subid/resourceGroups/${rg}/providers/Microsoft.Network/${path}`;
  const network = (rg: string, name: string, ...subnets: string[]) =>
    world.put(at(rg, `virtualNetworks/${name}`), {
      properties: {
        addressSpace: { addressPrefixes: [`10.${subnets.length + name.length}.0.0/16`] },
        subnets: subnets.map((one, index) => ({
          name: one,
          properties: { addressPrefix: `10.${subnets.length + name.length}.${index}.0/24` },
        })),
      },
    });
  network('rg1', 'vnetlb', 'subnetlb');
  network('rg1', 'lbvnet', 'lbsubnet');
  network('rg1', 'rg1-vnet', 'default');
  network('rg1', 'vnet1', 'GatewaySubnet');
  network('peerTest', 'vnet1');
  network('peerTest', 'vnet2', 'x');
  world.put(at('subnet-test', 'virtualNetworks/vnetname'), {
    properties: { addressSpace: { addressPrefixes: ['10.0.0.0/16'] } },
  });
  for (const name of ['test-ip', 'gwpip']) world.put(at('rg1', `publicIPAddresses/${name}`));
  world.put(at('rg1', 'publicIPAddresses/pip'), {
    sku: { name: 'Standard' },
    properties: { publicIPAllocationMethod: 'Static' },
  });
  world.put(at('rg1', 'networkSecurityGroups/testnsg'));
  world.put(at('rg1', 'routeTables/testrt'));
  world.put(
    at('testrg', 'loadBalancers/lb1'),
    {
      properties: {
        frontendIPConfigurations: [
          { name: 'ip1', properties: { subnet: { id: at('rg1', 'virtualNetworks/vnetlb/subnets/subnetlb') } } },
        ],
      },
    },
    '2018-11-01',
  );
  world.put(at('rg1', 'localNetworkGateways/localgw'), {
    properties: { localNetworkAddressSpace: { addressPrefixes: ['10.1.0.0/16'] }, gatewayIpAddress: '198.51.100.9' },
  });
  const configuration = {
    name: 'gwipconfig1',
    properties: {
      subnet: { id: at('rg1', 'virtualNetworks/vnet1/subnets/GatewaySubnet') },
      publicIPAddress: { id: at('rg1', 'publicIPAddresses/gwpip') },
    },
  };
  world.put(at('rg1', 'virtualNetworkGateways/vpngw'), { properties: { ipConfigurations: [configuration] } });
  return world;
}

/** The examples that are not accepted, each with why. */
const refusedExamples: ReadonlyMap<string, string> = new Map([
  ['LocalNetworkGatewayCreate.json', 'its gatewayIpAddress is "x.x.x.x"'],
  ['VirtualNetworkCreateServiceEndpointPolicy.json', 'service endpoint policies are not offered'],
]);

function putPaths(): Map<string, string> {
  const found = new Map<string, string>();
  for (const file of readdirSync(join(examples, '..')).filter((name) => name.endsWith('.json'))) {
    const { paths = {} } = JSON.parse(readFileSync(join(examples, '..', file), 'utf8'));
    for (const [path, verbs] of Object.entries<{ put?: { 'x-ms-examples'?: { [title: string]: { $ref: string } } } }>(
      paths,
    )) {
      for (const { $ref } of Object.values(verbs.put?.['x-ms-examples'] ?? {}))
        found.set($ref.slice($ref.lastIndexOf('/') + 1), path);
    }
  }
  return found;
}

test('every PUT of Azure’s own network examples for our types is accepted', {
  skip: existsSync(examples) ? false : 'no corpus here (RINGWALL_CORPUS)',
}, () => {
  let accepted = 0;
  for (const [file, path] of putPaths()) {
    const { parameters } = JSON.parse(readFileSync(join(examples, file), 'utf8'));
    const id = path.replaceAll(/\{(\w+)\}/g, (_, name: string) =>
      name === 'subscriptionId' ? 'subid' : String(parameters[name]),
    );
    if (!nouns.has(typeOfId(id)?.toLowerCase() ?? '')) continue;
    const body: JsonObject =
      Object.entries<Json>(parameters)
        .map(([, value]) => value)
        .find(isObject) ?? {};
    const location = typeof body['location'] === 'string' ? body['location'] : 'local';
    const world = withReferences(location);
    if (world.draft.get(id) !== undefined && world.draft.referrersOf(id).length === 0) world.remove(id);
    // Floating addresses are refused (load-balancer-part.ts); the rest of such an example is accepted.
    const asked = JSON.stringify(body);
    const floating = asked.includes('"enableFloatingIP":true') ? refusalOf(() => world.put(id, body)) : undefined;
    if (floating !== undefined) equal(floating instanceof Refusal && floating.code, 'FloatingIPNotSupported', file);
    const grounded: JsonObject = JSON.parse(asked.replaceAll('"enableFloatingIP":true', '"enableFloatingIP":false'));
    const refused = refusalOf(() => world.put(id, grounded));
    equal(
      refused !== undefined,
      refusedExamples.has(file),
      `${file}: ${refused instanceof Refusal ? `${refused.code} ${refused.message}` : ''}`,
    );
    if (refused === undefined) {
      accepted += 1;
      ok(world.show(id)['id'] === tryIdText(id));
    }
  }
  ok(accepted >= 29, `only ${accepted} examples were found`);
});

function tryIdText(id: string): string {
  const parsed = tryId(id);
  return parsed === undefined ? id : formatId(parsed);
}
