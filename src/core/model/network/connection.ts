/** VPN connections: kept as resources, never `Connected`; the shared key is in no answer. */

import type { JsonObject } from '#base/json.ts';
import { keepTracked, openJob } from '#model/job.ts';
import { flagOf, integerOf, listOf, missing, note, oneOf, textOf } from '#model/parse.ts';
import type { Noun } from '#model/noun.ts';
import { idIn, reference, referenceOf } from '#model/reference.ts';
import { showNetwork } from '#model/show.ts';
import { localNetworkGatewayType } from '#model/network/local-network-gateway.ts';
import { gatewayType } from '#model/network/virtual-network-gateway.ts';

const connectionType = 'Microsoft.Network/connections';

const keyRule = { lengthMax: 128, pattern: /^[\u0020-\u007e]+$/, wants: '1 to 128 printable ASCII characters' };

export const connection: Noun = {
  type: connectionType,

  write(write, draft, context) {
    const job = openJob(connectionType, write, { draft, context });
    const { properties } = job;
    const kind = oneOf(properties, 'connectionType', ['IPsec', 'Vnet2Vnet']);
    if (kind === undefined && !properties.members.has('connectiontype')) missing(properties, 'connectionType');
    const gateways = { types: [gatewayType], required: true };
    const first = referenceOf(job, [properties, 'virtualNetworkGateway1'], gateways);
    const second = referenceOf(job, [properties, 'virtualNetworkGateway2'], {
      ...gateways,
      required: kind === 'Vnet2Vnet',
    });
    const local = referenceOf(job, [properties, 'localNetworkGateway2'], {
      types: [localNetworkGatewayType],
      required: kind === 'IPsec',
    });
    const sharedKey = textOf(properties, 'sharedKey', keyRule);
    if ((listOf(properties, 'ipsecPolicies', 1) ?? []).length > 0)
      note(properties, 'ipsecPolicies', 'own IPsec policies are not offered yet; leave the list empty');
    const kept = {
      virtualNetworkGateway1: reference(first),
      virtualNetworkGateway2: reference(second),
      localNetworkGateway2: reference(local),
      connectionType: kind,
      connectionProtocol: oneOf(properties, 'connectionProtocol', ['IKEv2', 'IKEv1']) ?? 'IKEv2',
      routingWeight: integerOf(properties, 'routingWeight', [0, 32_000]) ?? 0,
      enableBgp: flagOf(properties, 'enableBgp') ?? false,
      usePolicyBasedTrafficSelectors: flagOf(properties, 'usePolicyBasedTrafficSelectors') ?? false,
    };
    const before = job.before?.internal;
    const internal = { guid: before?.['guid'] ?? context.newGuid(), sharedKey: sharedKey ?? before?.['sharedKey'] };
    return keepTracked(job, { properties: kept, internal });
  },

  remove: (resource, draft) => draft.delete(resource.id),

  show: (resource) =>
    showNetwork(resource, {
      ...resource.properties,
      ...gatewaysOf(resource.properties),
      ipsecPolicies: [],
      resourceGuid: resource.internal?.['guid'],
      connectionStatus: 'NotConnected',
      ingressBytesTransferred: 0,
      egressBytesTransferred: 0,
    }),
};

// The swagger wants `properties` in what is else a reference.
function gatewaysOf(properties: JsonObject): JsonObject {
  const names = ['virtualNetworkGateway1', 'virtualNetworkGateway2', 'localNetworkGateway2'];
  return Object.fromEntries(
    names
      .filter((name) => properties[name] !== undefined)
      .map((name) => [name, { id: idIn(properties[name]), properties: {} }]),
  );
}
