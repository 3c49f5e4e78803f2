/** What az is refused, in words that a person can act on; and writes that come too late (ETags). */

import { az, refused } from '#test/peers/az.ts';
import type { AzSuite } from '#test/peers/suites/suite.ts';

const scope = '{management}/subscriptions/{subscription}/resourceGroups/{group}';
const asg = `${scope}/providers/Microsoft.Network/applicationSecurityGroups`;
const lb = `${scope}/providers/Microsoft.Network/loadBalancers/lb?api-version=2023-04-01`;
const version = 'api-version=2021-08-01';

export const refusal: AzSuite = {
  name: 'refusal',
  says: '[S2.19] refusals a person can read',
  release: 'trixie',
  files: {
    'empty.json': '{"location":"local"}',
    'bad.json': '{"location":"local","properties":{"addressSpace":7}}',
    'not.json': '{"a":',
  },
  rows: [
    refused('network nsg create -g peers-none -n web', /ResourceGroupNotFound/, /peers-none/),
    az('group create -n {group} -l {location}'),
    refused(
      'network vnet create -g {group} -n net --address-prefixes 10.0.0.0/16 10.0.1.0/24',
      /overlap/i,
      /10\.0\.1\.0\/24/,
    ),
    refused('network vnet create -g {group} -n net --address-prefixes 10.0.0.1/16', /10\.0\.0\.1\/16/),
    refused(
      'network vnet create -g {group} -n net --address-prefixes 10.0.0.0/16 --subnet-name out --subnet-prefixes 10.9.0.0/24',
      /NetcfgSubnetRangeOutsideVnet/,
      /out/,
    ),
    az(
      'network vnet create -g {group} -n net --address-prefixes 10.0.0.0/16 --subnet-name web --subnet-prefixes 10.0.1.0/24',
    ),
    refused(
      'network vnet subnet create -g {group} --vnet-name net -n twice --address-prefixes 10.0.1.128/25',
      /NetcfgInvalidSubnet|NetcfgSubnetRangesOverlap/,
      /10\.0\.1\.0\/24|web/,
    ),
    refused(
      'network vnet subnet create -g {group} --vnet-name absent -n a --address-prefixes 10.0.2.0/24',
      /NotFound/,
      /absent/,
    ),
    az('network vnet create -g {group} -n same --address-prefixes 10.0.0.0/16'),
    refused(
      'network vnet peering create -g {group} -n clash --vnet-name net --remote-vnet same --allow-vnet-access',
      /overlap/i,
    ),
    refused('network nic create -g {group} -n nic --vnet-name net --subnet absent', /absent|NotFound/),
    refused('network public-ip create -g {group} -n pip --sku Standard --allocation-method Dynamic', /Static|Dynamic/),
    refused(`rest --method get --url ${asg}/absent?${version}`, /ResourceNotFound/, /absent/),
    refused(`rest --method get --url ${asg}`, /MissingApiVersionParameter/),
    refused(
      `rest --method get --url ${asg}?api-version=tomorrow`,
      /InvalidApiVersionParameter|NoRegisteredProviderFound/,
    ),
    refused(`rest --method get --url ${asg}?api-version=2010-01-01`, /NoRegisteredProviderFound/, /2021-08-01/),
    refused(
      `rest --method get --url ${scope}/providers/Microsoft.Nothing/things/x?api-version=2021-01-01`,
      /InvalidResourceNamespace/,
    ),
    refused(
      `rest --method get --url ${scope}/providers/Microsoft.Network/things/x?api-version=2021-08-01`,
      /InvalidResourceType/,
    ),
    refused(
      'rest --method put --url {management}/subscriptions/{subscription}/resourceGroups/ends-with.?api-version=2021-04-01 --body @{file.empty.json}',
      /InvalidResource/,
    ),
    refused(
      `rest --method put --url ${scope}/providers/Microsoft.Network/virtualNetworks/bad?api-version=2024-05-01 --body @{file.bad.json}`,
      /addressSpace/,
    ),
    refused(
      `rest --method put --url ${asg}/bad?${version} --body @{file.not.json} --headers Content-Type=application/json`,
      /InvalidRequestContent/,
    ),
    refused(`rest --method patch --url ${asg}?${version} --body '{}'`, /405|MethodNotAllowed|not/i),
    refused(
      `rest --method get --url ${asg}?${version} --skip-authorization-header`,
      /Unauthorized|AuthenticationFailed|401/,
    ),
    refused(
      `rest --method get --url ${asg}?${version} --skip-authorization-header --headers 'Authorization=Bearer aaaa.bbbb.cccc'`,
      /InvalidAuthenticationToken|Unauthorized/,
    ),
    refused('group create -n {group} -l elsewhere', /elsewhere|location/i),
    refused(`network nsg create -g {group} -n 'bad name?'`, /name/i),
    az('group delete -n {group} --yes'),
  ],
};

export const etag: AzSuite = {
  name: 'etag',
  says: 'a write that comes too late is refused with 412',
  release: 'trixie',
  files: { 'empty.json': '{"location":"local"}' },
  rows: [
    az('group create -n {group} -l {location}'),
    refused(
      `rest --method put --url ${asg}/a?${version} --body @{file.empty.json} --headers If-Match=*`,
      /PreconditionFailed|412/i,
    ),
    az(
      `rest --method put --url ${asg}/a?${version} --body @{file.empty.json} --headers If-None-Match=*`,
      { etag: /^W\/"/ },
      { keeps: { etag: 'etag' } },
    ),
    refused(
      `rest --method put --url ${asg}/a?${version} --body @{file.empty.json} --headers If-None-Match=*`,
      /PreconditionFailed|412/i,
    ),
    az(`rest --method put --url ${asg}/a?${version} --body @{file.empty.json} --headers If-Match=*`),
    az(`rest --method get --url ${asg}/a?${version}`, { etag: /^W\/"/ }, { keeps: { etag: 'etag' } }),
    az(
      `rest --method put --url ${asg}/a?${version} --body '{"location":"local","tags":{"x":"1"}}' --headers 'If-Match={etag}'`,
    ),
    refused(
      `rest --method put --url ${asg}/a?${version} --body '{"location":"local","tags":{"x":"2"}}' --headers 'If-Match={etag}'`,
      /PreconditionFailed|412/i,
    ),
    refused(`rest --method delete --url ${asg}/a?${version} --headers 'If-Match={etag}'`, /PreconditionFailed|412/i),
    az(`rest --method get --url ${asg}/a?${version}`, { 'tags.x': '1' }),
    az(`rest --method delete --url ${asg}/b?${version} --headers 'If-Match={etag}'`),
    az('network public-ip create -g {group} -n front --sku Standard', {}, { keeps: { pip: 'publicIp.id' } }),
    az(
      'network lb create -g {group} -n lb --sku Standard --public-ip-address front --frontend-ip-name fe --backend-pool-name pool',
    ),
    az(`rest --method get --url ${lb}`, {}, { keeps: { 'lb.etag': 'etag' } }),
    az('network lb probe create -g {group} --lb-name lb -n tcp --protocol Tcp --port 80'),
    refused(
      `rest --method put --url ${lb} --body '{"location":"local","etag":{lb.etag.json},"sku":{"name":"Standard"},"properties":{"frontendIPConfigurations":[{"name":"fe","properties":{"publicIPAddress":{"id":"{pip}"}}}]}}'`,
      /PreconditionFailed|412/i,
    ),
    az('network lb probe list -g {group} --lb-name lb', { length: 1 }),
    az('group delete -n {group} --yes'),
  ],
};
