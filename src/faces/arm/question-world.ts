/** What questions are asked about in this face's tests: a guarded subnet with a route table, a machine, a loose interface and a watcher. */

import assert from 'node:assert/strict';
import type { JsonObject } from '#base/json.ts';
import { fakeStamp, s, type FakeStamp, type Reply } from '#faces/arm/fake-engine.ts';

const group = `${s}/resourceGroups/rg1`;
export const net = `${group}/providers/Microsoft.Network`;
export const machine = `${group}/providers/Microsoft.Compute/virtualMachines/m`;
const v = '?api-version=2018-11-01';

/** Good bodies of questions. */
export const flow = {
  targetResourceId: machine,
  direction: 'Inbound',
  protocol: 'TCP',
  localPort: '80',
  remotePort: '50000',
  localIPAddress: '10.0.0.4',
  remoteIPAddress: '203.0.113.9',
};
export const hop = { targetResourceId: machine, sourceIPAddress: '10.0.0.4', destinationIPAddress: '203.0.113.9' };

export const check = { source: { resourceId: machine }, destination: { address: '203.0.113.9', port: 443 } };
export const profile = {
  direction: 'Inbound',
  protocol: 'TCP',
  source: 'Internet',
  destination: '10.0.0.4',
  destinationPort: '80',
};
export const diagnostic = { targetResourceId: machine, profiles: [profile], verbosityLevel: 'Full' };

/** The stamp, and how it is asked: a path below the provider, and a body. */
export type Asked = {
  readonly stamp: FakeStamp;
  readonly ask: (
    path: string,
    body?: JsonObject | string,
    headers?: { readonly [name: string]: string },
  ) => Promise<Reply>;
};

/** Makes all of it. */
export async function questionStamp(): Promise<Asked> {
  const stamp = await fakeStamp();
  const put = async (id: string, body: JsonObject, version = '2018-11-01'): Promise<void> => {
    const reply = await stamp.send(`${id}?api-version=${version}`, { method: 'PUT', body });
    assert.ok(reply.status < 300, reply.text);
  };
  await put(group, { location: 'local' }, '2019-10-01');
  const rule = { priority: 100, direction: 'Inbound', access: 'Allow', protocol: 'Tcp' };
  const any = {
    sourceAddressPrefix: 'Internet',
    sourcePortRange: '*',
    destinationAddressPrefix: '*',
    destinationPortRange: '80',
  };
  await put(`${net}/networkSecurityGroups/guard`, {
    properties: { securityRules: [{ name: 'web', properties: { ...rule, ...any } }] },
  });
  await put(`${net}/routeTables/table`, {
    properties: {
      routes: [
        {
          name: 'all',
          properties: { addressPrefix: '0.0.0.0/0', nextHopType: 'VirtualAppliance', nextHopIpAddress: '10.0.0.9' },
        },
      ],
    },
  });
  const ties = {
    networkSecurityGroup: { id: `${net}/networkSecurityGroups/guard` },
    routeTable: { id: `${net}/routeTables/table` },
  };
  await put(`${net}/virtualNetworks/v1`, {
    properties: {
      addressSpace: { addressPrefixes: ['10.0.0.0/16'] },
      subnets: [{ name: 'a', properties: { addressPrefix: '10.0.0.0/24', ...ties } }],
    },
  });
  const subnet = { id: `${net}/virtualNetworks/v1/subnets/a` };
  for (const name of ['n', 'loose'])
    await put(`${net}/networkInterfaces/${name}`, {
      properties: { ipConfigurations: [{ name: 'one', properties: { subnet } }] },
    });
  await put(`${net}/networkWatchers/w`, {});
  const image = { publisher: 'Ringwall', offer: 'lab', sku: 'tiny', version: 'latest' };
  await put(
    machine,
    {
      properties: {
        hardwareProfile: { vmSize: 'Standard_DS1_v2' },
        storageProfile: { imageReference: image, osDisk: { createOption: 'FromImage' } },
        osProfile: { computerName: 'm', adminUsername: 'someone', adminPassword: 'vRx7-quiet-Lantern-52' },
        networkProfile: { networkInterfaces: [{ id: `${net}/networkInterfaces/n` }] },
      },
    },
    '2020-06-01',
  );
  const ask: Asked['ask'] = (path, body, headers = {}) =>
    stamp.send(`${net}/${path}${v}`, { method: 'POST', headers, ...(body === undefined ? {} : { body }) });
  return { stamp, ask };
}
