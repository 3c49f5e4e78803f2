/** The policies that every stamp has: one per kind of invariant, and the ones that most networks want, each with a stable GUID. */

import { deepFreeze, type JsonObject } from '#base/json.ts';
import type { Resource } from '#model/resource.ts';
import { policyDefinitionType, reachMode } from '#model/authorization/policy-types.ts';

const list = (description: string, defaultValue?: readonly string[]): JsonObject => ({
  type: 'Array',
  metadata: { displayName: description },
  ...(defaultValue === undefined ? {} : { defaultValue }),
});
const parties = 'words (Internet, VirtualMachines, AssignmentScope …), prefixes or ARM ids';
const services = list('Services, such as tcp/22,3389', ['any']);
const inScope = list(`Whose: ${parties}`, ['AssignmentScope']);
const managementServices = ['tcp/22,3389,5985,5986', 'udp/3389'];
const management = list('Management services', managementServices);
const effect: JsonObject = {
  type: 'String',
  metadata: { displayName: 'Effect' },
  allowedValues: ['deny', 'audit', 'disabled'],
  defaultValue: 'deny',
};

type Row = {
  readonly guid: string;
  readonly displayName: string;
  readonly description: string;
  readonly parameters: JsonObject;
  readonly invariant: JsonObject;
};

const value = (name: string): string => `[parameters('${name}')]`;

const rows: readonly Row[] = [
  {
    guid: '5b6f2c10-7d0e-4a51-9c1b-000000000001',
    displayName: 'Management ports are never reached from the Internet',
    description: 'SSH, RDP and WinRM of the machines in scope take no packet from the Internet, whatever way it comes.',
    parameters: { services: management },
    invariant: { kind: 'never', from: ['Internet'], services: value('services') },
  },
  {
    guid: '5b6f2c10-7d0e-4a51-9c1b-000000000002',
    displayName: 'Egress goes only through the declared firewalls',
    description:
      'What the protected subnets send to the Internet goes through one of the firewalls first, in both families.',
    parameters: {
      firewalls: list('Firewalls: ARM ids of machines, network interfaces or their subnets'),
      protectedSubnets: list(`Protected subnets: ${parties}`, ['AssignmentScope']),
    },
    invariant: { kind: 'via', from: value('protectedSubnets'), to: ['Internet'], through: value('firewalls') },
  },
  {
    guid: '5b6f2c10-7d0e-4a51-9c1b-000000000003',
    displayName: 'Only the declared subnets are reached from the Internet',
    description: 'No machine in scope takes packets from the Internet, but for those of the internet-facing subnets.',
    parameters: { internetFacingSubnets: list('Internet-facing subnets: ARM ids', []) },
    invariant: { kind: 'never', from: ['Internet'], exceptTo: value('internetFacingSubnets') },
  },
  {
    guid: '5b6f2c10-7d0e-4a51-9c1b-000000000004',
    displayName: 'Management ports are reached only from the jump hosts',
    description: 'SSH, RDP and WinRM of the machines in scope take packets only from the declared jump hosts.',
    parameters: { jumpHosts: list('Jump hosts: ARM ids'), services: management },
    invariant: {
      kind: 'never',
      from: ['Internet', 'VirtualMachines'],
      services: value('services'),
      exceptFrom: value('jumpHosts'),
      exceptTo: value('jumpHosts'),
    },
  },
  {
    guid: '5b6f2c10-7d0e-4a51-9c1b-000000000011',
    displayName: 'Never: no packet of these services from one to the other',
    description:
      'No packet of the services comes from one of "from" to one of "to"; "exceptFrom" and "exceptTo" do not count.',
    parameters: {
      from: list(`Senders: ${parties}`),
      to: inScope,
      services,
      exceptFrom: list('Senders that do not count', []),
      exceptTo: list('Receivers that do not count', []),
    },
    invariant: {
      kind: 'never',
      from: value('from'),
      to: value('to'),
      services: value('services'),
      exceptFrom: value('exceptFrom'),
      exceptTo: value('exceptTo'),
    },
  },
  {
    guid: '5b6f2c10-7d0e-4a51-9c1b-000000000012',
    displayName: 'Only: whatever reaches these comes from those',
    description: 'Whatever reaches "to" comes from one of "from" on one of the services.',
    parameters: { from: list(`Senders: ${parties}`), to: inScope, services },
    invariant: { kind: 'only', from: value('from'), to: value('to'), services: value('services') },
  },
  {
    guid: '5b6f2c10-7d0e-4a51-9c1b-000000000013',
    displayName: 'Via: what these send goes through those first',
    description: 'What "from" sends to "to" goes through one of "through" first, on every way out, in both families.',
    parameters: {
      from: inScope,
      to: list(`Receivers: ${parties}`, ['Internet']),
      through: list('Waypoints: ARM ids'),
    },
    invariant: { kind: 'via', from: value('from'), to: value('to'), through: value('through') },
  },
  {
    guid: '5b6f2c10-7d0e-4a51-9c1b-000000000014',
    displayName: 'Isolated: nothing passes between these and any other',
    description: 'No packet passes between the machines of "inside" and any other party, but for "except".',
    parameters: { inside: inScope, except: list('Parties that do not count', []) },
    invariant: { kind: 'isolated', inside: value('inside'), except: value('except') },
  },
  {
    guid: '5b6f2c10-7d0e-4a51-9c1b-000000000015',
    displayName: 'Always: these can reach those',
    description:
      'Each of "from" can reach each of "to" on all of the services; a write that would take this away is refused.',
    parameters: { from: list(`Senders: ${parties}`), to: inScope, services: list('Services, such as tcp/443') },
    invariant: { kind: 'always', from: value('from'), to: value('to'), services: value('services') },
  },
  {
    guid: '5b6f2c10-7d0e-4a51-9c1b-000000000016',
    displayName: 'Exposure: at most so many are reached from the Internet',
    description: 'At most "max" network interfaces of "of" can be reached from the Internet.',
    parameters: { of: inScope, max: { type: 'Integer', metadata: { displayName: 'How many' } } },
    invariant: { kind: 'exposure', of: value('of'), max: value('max') },
  },
  {
    guid: '5b6f2c10-7d0e-4a51-9c1b-000000000017',
    displayName: 'Unchanged: a write makes nothing possible that is not declared',
    description:
      'A write makes possible, within its scope, only flows that are declared: a list of { from, to, services }.',
    parameters: { declared: list('Flows that may become possible', []) },
    invariant: { kind: 'unchanged', declared: value('declared') },
  },
];

function resourceOf({ guid, displayName, description, parameters, invariant }: Row): Resource {
  return {
    id: `/providers/${policyDefinitionType}/${guid}`,
    type: policyDefinitionType,
    name: guid,
    properties: {
      displayName,
      policyType: 'BuiltIn',
      mode: reachMode,
      description,
      metadata: { category: 'Network', version: '1.0.0' },
      parameters: { effect, ...parameters },
      policyRule: {
        if: { field: 'type', equals: 'Microsoft.Network/networkInterfaces' },
        // eslint-disable-next-line unicorn/no-thenable -- a policy rule's member is called so
        then: { effect: value('effect'), details: { invariant } },
      },
    },
    etag: `W/"${guid}"`,
    createdAt: '2026-01-01T00:00:00.000Z',
    changedAt: '2026-01-01T00:00:00.000Z',
  };
}

/** The built-in definitions, as resources that no draft holds. */
export const builtInPolicies: readonly Resource[] = deepFreeze(rows.map(resourceOf));

const byName: ReadonlyMap<string, Resource> = new Map(builtInPolicies.map((policy) => [policy.name, policy]));

/** The built-in definition of a GUID, in any casing. */
export function builtInPolicy(name: string): Resource | undefined {
  return byName.get(name.toLowerCase());
}
