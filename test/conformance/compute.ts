/** Requests of our own for operations whose swagger has no examples (compute): the answers must fit the swagger all the same. */

import type { Json } from '#base/json.ts';
import { errorOf } from '#test/conformance/client.ts';
import type { Place } from '#test/conformance/replay.ts';
import { faultsOf, type Operation } from '#test/conformance/swagger.ts';

/** One row is one request: the operation of the swagger, the path below the group or the subscription, and the body. */
type Row = readonly [operationId: string, path: string, body?: Json];

const vm = 'providers/Microsoft.Compute/virtualMachines/vm1';
const at = 'providers/Microsoft.Compute/locations/local';

function bodiesFor({ subscription, location }: Place): { readonly machine: Json; readonly script: Json } {
  const group = `/subscriptions/${subscription}/resourceGroups/compute`;
  const net = `${group}/providers/Microsoft.Network`;
  const machine = {
    location,
    tags: { a: 'b' },
    properties: {
      hardwareProfile: { vmSize: 'Standard_DS1_v2' },
      storageProfile: {
        imageReference: { publisher: 'Canonical', offer: 'UbuntuServer', sku: '18.04-LTS', version: 'latest' },
        osDisk: {
          createOption: 'FromImage',
          caching: 'ReadWrite',
          managedDisk: { storageAccountType: 'Standard_LRS' },
        },
        dataDisks: [{ lun: 0, createOption: 'Empty', diskSizeGB: 8 }],
      },
      osProfile: { computerName: 'vm1', adminUsername: 'someone', adminPassword: 'vRx7-quiet-Lantern-52' },
      networkProfile: { networkInterfaces: [{ id: `${net}/networkInterfaces/nic1`, properties: { primary: true } }] },
      availabilitySet: { id: `${group}/providers/Microsoft.Compute/availabilitySets/set1` },
    },
  };
  const script = {
    location,
    properties: {
      publisher: 'Microsoft.Azure.Extensions',
      type: 'CustomScript',
      typeHandlerVersion: '2.1',
      settings: { commandToExecute: 'true' },
    },
  };
  return { machine, script };
}

function rowsFor(place: Place): readonly Row[] {
  const { location } = place;
  const { machine, script } = bodiesFor(place);
  return [
    [
      'AvailabilitySets_CreateOrUpdate',
      'providers/Microsoft.Compute/availabilitySets/set1',
      { location, sku: { name: 'Aligned' }, properties: { platformFaultDomainCount: 2, platformUpdateDomainCount: 5 } },
    ],
    ['AvailabilitySets_Get', 'providers/Microsoft.Compute/availabilitySets/set1'],
    ['AvailabilitySets_List', 'providers/Microsoft.Compute/availabilitySets'],
    ['VirtualMachines_CreateOrUpdate', vm, machine],
    ['VirtualMachines_Get', `${vm}?$expand=instanceView`],
    ['VirtualMachines_InstanceView', `${vm}/instanceView`],
    ['VirtualMachines_ListAvailableSizes', `${vm}/vmSizes`],
    ['VirtualMachines_Update', vm, { tags: { a: 'c' } }],
    ['VirtualMachines_List', 'providers/Microsoft.Compute/virtualMachines'],
    ['VirtualMachineExtensions_CreateOrUpdate', `${vm}/extensions/script`, script],
    ['VirtualMachineExtensions_Get', `${vm}/extensions/script`],
    ['VirtualMachineExtensions_List', `${vm}/extensions`],
    ['VirtualMachines_PowerOff', `${vm}/powerOff?skipShutdown=true`],
    ['VirtualMachines_Start', `${vm}/start`],
    ['VirtualMachines_Restart', `${vm}/restart`],
    ['VirtualMachines_Redeploy', `${vm}/redeploy`],
    ['VirtualMachines_Deallocate', `${vm}/deallocate`],
    ['VirtualMachineExtensions_Delete', `${vm}/extensions/script`],
    ['VirtualMachines_Delete', vm],
    ['VirtualMachines_Delete', vm],
    ['AvailabilitySets_Delete', 'providers/Microsoft.Compute/availabilitySets/set1'],
    ['VirtualMachines_ListAll', '/providers/Microsoft.Compute/virtualMachines'],
    ['VirtualMachines_ListByLocation', `/${at}/virtualMachines`],
    ['VirtualMachineSizes_List', `/${at}/vmSizes`],
    ['Usage_List', `/${at}/usages`],
    ['VirtualMachineImages_ListPublishers', `/${at}/publishers`],
    ['VirtualMachineImages_ListOffers', `/${at}/publishers/Canonical/artifacttypes/vmimage/offers`],
    ['VirtualMachineImages_ListSkus', `/${at}/publishers/Canonical/artifacttypes/vmimage/offers/UbuntuServer/skus`],
    [
      'VirtualMachineImages_List',
      `/${at}/publishers/Canonical/artifacttypes/vmimage/offers/UbuntuServer/skus/18.04-LTS/versions?$top=1`,
    ],
    [
      'VirtualMachineImages_Get',
      `/${at}/publishers/Canonical/artifacttypes/vmimage/offers/UbuntuServer/skus/18.04-LTS/versions/1.0.0`,
    ],
    [
      'VirtualMachineExtensionImages_ListTypes',
      `/${at}/publishers/Microsoft.Azure.Extensions/artifacttypes/vmextension/types`,
    ],
  ];
}

export type Checked = { readonly name: string; readonly failure: string | undefined };

/** Sends every row in order. */
export async function checkCompute(operations: readonly Operation[], place: Place): Promise<readonly Checked[]> {
  await prepare(place);
  const checked: Checked[] = [];
  for (const [name, path, body] of rowsFor(place)) {
    const operation = operations.find(({ operationId }) => operationId === name);
    const failure =
      operation === undefined ? 'The swagger has no such operation.' : await checkOne(operation, { path, body, place });
    checked.push({ name, failure });
  }
  return checked;
}

async function checkOne(
  operation: Operation,
  { path, body, place }: { path: string; body: Json | undefined; place: Place },
): Promise<string | undefined> {
  const subscription = `/subscriptions/${place.subscription}`;
  const where = path.startsWith('/') ? `${subscription}${path}` : `${subscription}/resourceGroups/compute/${path}`;
  const reply = await place.client(
    operation.method,
    `${where}${where.includes('?') ? '&' : '?'}api-version=${operation.apiVersion}`,
    body,
  );
  const codes = Object.keys(operation.responses).filter((code) => code !== 'default');
  if (!codes.includes(String(reply.status))) return `${codes.join(' or ')} is wanted, answered was ${errorOf(reply)}`;
  const faults = faultsOf(reply.body, operation.responses[String(reply.status)], operation.file);
  return faults.length === 0 ? undefined : `schema: ${faults.slice(0, 3).join('; ')}`;
}

async function prepare({ client, subscription, location }: Place): Promise<void> {
  const group = `/subscriptions/${subscription}/resourceGroups/compute`;
  const net = `${group}/providers/Microsoft.Network`;
  await client('PUT', `${group}?api-version=2019-10-01`, { location });
  const subnets = [{ name: 'a', properties: { addressPrefix: '10.0.0.0/24' } }];
  await client('PUT', `${net}/virtualNetworks/vnet1?api-version=2018-11-01`, {
    location,
    properties: { addressSpace: { addressPrefixes: ['10.0.0.0/16'] }, subnets },
  });
  const ipConfigurations = [{ name: 'one', properties: { subnet: { id: `${net}/virtualNetworks/vnet1/subnets/a` } } }];
  await client('PUT', `${net}/networkInterfaces/nic1?api-version=2018-11-01`, {
    location,
    properties: { ipConfigurations },
  });
}
