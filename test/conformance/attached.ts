/** Makes the machine that a question is about: with the interface and the address that the example speaks of. */

import { isObject, type Json, type JsonObject } from '#base/json.ts';
import { errorOf, type Client } from '#test/conformance/client.ts';

type Place = { readonly client: Client; readonly location: string };

/** What is asked about what is in force at an interface, or of a watcher about a machine. */
export function needsMachine(path: string): boolean {
  return /\/(effectiveRouteTable|effectiveNetworkSecurityGroups|ipFlowVerify|nextHop|securityGroupView|connectivityCheck|networkConfigurationDiagnostic)$/i.test(
    path,
  );
}

/** The machine of a question; `path` is the request's. */
export async function makeMachine(at: Place, path: string, body: Json | undefined): Promise<void> {
  const asked = isObject(body) ? body : {};
  const source = isObject(asked['source']) ? asked['source'] : {};
  const isOfInterface = /\/effective\w+$/i.test(path);
  const machine = String(
    asked['targetResourceId'] ??
      source['resourceId'] ??
      path.replace(/\/Microsoft\.Network\/.*$/i, '/Microsoft.Compute/virtualMachines/made'),
  );
  const beside = machine.replace(/\/Microsoft\.Compute\/.*$/i, '/Microsoft.Network/networkInterfaces/made');
  const nic = isOfInterface ? path.split('/').slice(0, -1).join('/') : String(asked['targetNicResourceId'] ?? beside);
  for (const id of [machine, nic])
    await put(at, { id: id.split('/').slice(0, 5).join('/'), version: '2019-10-01', properties: undefined });
  if (!isOfInterface) await makeNic(at, nic, asked['localIPAddress'] ?? asked['sourceIPAddress']);
  const properties = {
    hardwareProfile: { vmSize: 'Standard_DS1_v2' },
    storageProfile: {
      imageReference: { publisher: 'Canonical', offer: 'UbuntuServer', sku: '18.04-LTS', version: 'latest' },
      osDisk: { createOption: 'FromImage' },
    },
    osProfile: { computerName: 'vm1', adminUsername: 'someone', adminPassword: 'vRx7-quiet-Lantern-52' },
    networkProfile: { networkInterfaces: [{ id: nic }] },
  };
  await put(at, { id: machine, version: '2020-06-01', properties });
}

/** An interface with the address, behind a security group. */
async function makeNic(at: Place, nic: string, wanted: Json | undefined): Promise<void> {
  const address = typeof wanted === 'string' ? wanted : '10.0.0.4';
  const [network, guard] = ['virtualNetworks', 'networkSecurityGroups'].map((type) =>
    nic.replace(/\/networkInterfaces\/.*$/i, `/${type}/asked`),
  ) as [string, string];
  const version = '2018-11-01';
  await put(at, { id: guard, version, properties: {} });
  const addressPrefix = `${address.split('.').slice(0, 3).join('.')}.0/24`;
  const subnets = [{ name: 'asked', properties: { addressPrefix, networkSecurityGroup: { id: guard } } }];
  await put(at, { id: network, version, properties: { addressSpace: { addressPrefixes: [addressPrefix] }, subnets } });
  const subnet = { id: `${network}/subnets/asked` };
  const held = { subnet, privateIPAllocationMethod: 'Static', privateIPAddress: address };
  await put(at, { id: nic, version, properties: { ipConfigurations: [{ name: 'one', properties: held }] } });
}

type Wanted = { readonly id: string; readonly version: string; readonly properties: JsonObject | undefined };

async function put({ client, location }: Place, { id, version, properties }: Wanted): Promise<void> {
  const body = { location, ...(properties === undefined ? {} : { properties }) };
  const reply = await client('PUT', `${id}?api-version=${version}`, body);
  if (reply.status >= 300) throw new Error(`prerequisite ${id}: ${errorOf(reply)}`);
}
