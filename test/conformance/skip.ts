/** Which examples are not replayed, and why: types and questions that the stamp does not offer yet. */

import type { Operation } from '#test/conformance/swagger.ts';

const rows: readonly (readonly [pattern: RegExp, reason: string])[] = [
  [/azureFirewalls|ddosProtectionPlans|tapConfigurations/i, 'the type is not offered'],
  [
    /networkWatchers\/\{networkWatcherName\}\/(?!(ipFlowVerify|nextHop|securityGroupView|topology|connectivityCheck|networkConfigurationDiagnostic|configureFlowLog|queryFlowLogStatus)$)./i,
    'captures and troubleshooting of the network watcher come with a later version',
  ],
  [
    /virtualNetworkGateways\/\{virtualNetworkGatewayName\}\/.|connections\/\{virtualNetworkGatewayConnectionName\}\/./i,
    'gateways carry traffic in a later version; their resources are kept',
  ],
  [/Microsoft\.Management\/managementGroups/i, 'management groups are not offered'],
  [/^\/providers\/Microsoft\.Resources\/deployments/i, 'deployments at the tenant are not offered'],
  [/virtualMachineScaleSets/i, 'scale sets are not offered'],
];

// Examples that ask for what is refused on purpose, or that are broken themselves.
const named: { readonly [name: string]: string } = {
  ElevateAccess: 'nobody raises their own rights here: 403 by design',
  VirtualNetworkCreateServiceEndpointPolicy: 'service endpoint policies are not offered',
  PutDeploymentAtScope: 'linked templates are refused by design: the stamp fetches nothing',
  PutDeploymentWithOnErrorDeploymentLastSuccessful: 'linked templates are refused by design: the stamp fetches nothing',
  PutDeploymentWithOnErrorDeploymentSpecificDeployment:
    'linked templates are refused by design: the stamp fetches nothing',
  PutRoleDefinition: "the example's request has an empty body",
  CheckResourceName: "the example's request has no body under the parameter's name",
};

/** The reason, or undefined when the example is replayed. */
export function skipReason({ path }: Operation, name: string): string | undefined {
  return named[name] ?? rows.find(([pattern]) => pattern.test(path))?.[1];
}
