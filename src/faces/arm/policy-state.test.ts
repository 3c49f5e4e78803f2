/** Policy states over HTTP: scopes, options, pages and counts as az asks for them; what is not served is refused by name. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { isObject, type JsonObject } from '#base/json.ts';
import { cutPage } from '#faces/arm/page.ts';
import { s, type FakeStamp, type Reply } from '#faces/arm/fake-engine.ts';
import { machine, net, questionStamp } from '#faces/arm/question-world.ts';

const rg = `${s}/resourceGroups/rg1`;
const nic = `${net}/networkInterfaces/n`;
const policies = 'providers/Microsoft.Authorization';
const assignment = `${rg}/${policies}/policyAssignments/shut`;
const builtIn = '5b6f2c10-7d0e-4a51-9c1b-000000000003';
const provider = 'providers/Microsoft.PolicyInsights/policyStates';
const stranger = { authorization: 'Bearer stranger' };

let stamp: FakeStamp;
before(async () => {
  ({ stamp } = await questionStamp());
  const put = async (id: string, body: JsonObject, version = '2018-11-01'): Promise<void> => {
    const reply = await stamp.send(`${id}?api-version=${version}`, { method: 'PUT', body });
    assert.ok(reply.status < 300, reply.text);
  };
  await put(`${net}/publicIPAddresses/p`, { location: 'local', properties: { publicIPAllocationMethod: 'Static' } });
  const subnet = { id: `${net}/virtualNetworks/v1/subnets/a` };
  const publicIPAddress = { id: `${net}/publicIPAddresses/p` };
  await put(nic, {
    location: 'local',
    tags: { team: 'a' },
    properties: { ipConfigurations: [{ name: 'one', properties: { subnet, publicIPAddress } }] },
  });
  await put(`${rg}/${policies}/policyAssignments/shut`, definition(builtIn), '2022-06-01');
  const set = { properties: { policyDefinitions: [{ policyDefinitionId: idOf(builtIn) }] } };
  await put(`${s}/${policies}/policySetDefinitions/one`, set, '2021-06-01');
});
after(() => stamp.close());

const idOf = (name: string): string => `/${policies}/policyDefinitions/${name}`;
const definition = (name: string): JsonObject => ({ properties: { policyDefinitionId: idOf(name) } });

function ask(path: string, query = '', headers: { readonly [name: string]: string } = {}): Promise<Reply> {
  const options = query === '' ? '' : `&${query}`;
  return stamp.send(encodeURI(`${path}?api-version=2019-10-01${options}`), { method: 'POST', headers });
}

const listAt = (scope: string, query = ''): Promise<Reply> => ask(`${scope}/${provider}/latest/queryResults`, query);

function rowsOf(reply: Reply): readonly JsonObject[] {
  assert.equal(reply.status, 200, reply.text);
  return listIn(reply.json, 'value');
}

function listIn(body: JsonObject | undefined, name: string): readonly JsonObject[] {
  const value = body?.[name];
  return Array.isArray(value) ? value.filter(isObject) : [];
}

test('a finding is a row with the shape of Azure', async () => {
  const reply = await listAt(s, `$filter=policyAssignmentId eq '${assignment}'`);
  const [row, ...others] = rowsOf(reply);
  assert.deepEqual(others, []);
  const context = `${stamp.base}${s}/${provider}/$metadata#latest`;
  assert.deepEqual([reply.json['@odata.context'], reply.json['@odata.count']], [context, 1]);
  assert.deepEqual(row, {
    '@odata.id': null,
    '@odata.context': `${context}/$entity`,
    timestamp: '2026-01-01T00:00:00.000Z',
    resourceId: nic,
    policyAssignmentId: assignment,
    policyDefinitionId: idOf(builtIn),
    effectiveParameters: '',
    isCompliant: false,
    subscriptionId: s.split('/')[2],
    resourceType: 'Microsoft.Network/networkInterfaces',
    resourceLocation: 'local',
    resourceGroup: 'rg1',
    resourceTags: '{"team":"a"}',
    policyAssignmentName: 'shut',
    policyAssignmentOwner: '',
    policyAssignmentParameters: '{}',
    policyAssignmentScope: rg,
    policyDefinitionName: builtIn,
    policyDefinitionAction: 'deny',
    policyDefinitionCategory: 'Network',
    policySetDefinitionId: '',
    policySetDefinitionName: '',
    policySetDefinitionOwner: '',
    policySetDefinitionCategory: '',
    policySetDefinitionParameters: '',
    managementGroupIds: '',
    policyDefinitionReferenceId: '',
    complianceState: 'NonCompliant',
    policyDefinitionGroupNames: [],
  });
});

// One row is one question, and the names of the assignments whose states it answers, in their order.
const baseline = ['management-ports', 'tenants', 'spoofing', 'loops'];
const all = [...baseline, 'shut'];
const asked: readonly (readonly [scope: string, query: string, names: readonly string[]])[] = [
  [s, '', all],
  [rg, '', all],
  [`${s}/resourcegroups/RG1`, '', all],
  [nic, '', all],
  // A machine, a network and a subnet have the states of their interfaces.
  [machine, '', all],
  [`${net}/virtualNetworks/v1/subnets/a`, '', all],
  [`${net}/networkInterfaces/loose`, '', []],
  [`${net}/publicIPAddresses/p`, '', []],
  [assignment, '', ['shut']],
  [`${s}/${policies}/policyDefinitions/${builtIn}`, '', ['shut']],
  [`${s}/${policies}/policyDefinitions/5b6f2c10-7d0e-4a51-9c1b-000000000001`, '', []],
  [`${s}/${policies}/policySetDefinitions/one`, '', []],
  [s, '$filter=isCompliant eq false', ['shut']],
  [s, "$filter=complianceState eq 'compliant' and policyDefinitionName eq 'LOOPS'", ['loops']],
  [s, `$filter=resourceId eq '${nic.toUpperCase()}' and policyAssignmentName eq 'shut'`, ['shut']],
  [s, "$filter=resourceId eq '/nothing'", []],
  [s, '$top=2', baseline.slice(0, 2)],
  [s, '$orderby=policyAssignmentName desc', [...all].sort().toReversed()],
  [s, '$orderby=timestamp desc, resourceId asc', all],
  [s, '$from=2025-12-01T00:00:00Z&$to=2026-01-01T00:00:01Z', all],
  // A client's clock may be behind.
  [s, '$to=2025-12-31T23:59:00Z', all],
];

test('states are asked for at any scope and of any policy, filtered, ordered and bounded', async () => {
  for (const [scope, query, names] of asked) {
    const rows = rowsOf(await listAt(scope, query));
    assert.deepEqual(
      rows.map((row) => row['policyAssignmentName']),
      names,
      `${scope} ${query}`,
    );
  }
  const states = rowsOf(await ask(`${rg}/${provider}/default/queryResults`));
  assert.equal(states.length, all.length);
});

test('only what is selected is shown', async () => {
  const [row] = rowsOf(await listAt(s, '$select=ResourceGroup, isCompliant&$top=1'));
  assert.deepEqual(Object.keys(row ?? {}), ['@odata.id', '@odata.context', 'resourceGroup', 'isCompliant']);
});

// One row is one question that is refused: its path, its options, the status, and what the answer says.
const refusals: readonly (readonly [path: string, query: string, status: number, says: RegExp])[] = [
  [`${s}/${provider}/latest/queryResults`, "$filter=resourceLocation eq 'x'", 400, /known are: compliancestate eq/],
  [`${s}/${provider}/latest/queryResults`, "$filter=resourceId ne 'x'", 400, /compared by 'eq' only/],
  [`${s}/${provider}/latest/queryResults`, '$filter=isCompliant eq maybe', 400, /true or false/],
  [`${s}/${provider}/latest/queryResults`, "$filter=complianceState eq 'Exempt'", 400, /Compliant or NonCompliant/],
  [`${s}/${provider}/latest/queryResults`, '$filter=isCompliant eq true or isCompliant eq false', 400, /'and' only/],
  [`${s}/${provider}/latest/queryResults`, '$orderby=numRecords desc', 400, /InvalidOrderByParameter/],
  [`${s}/${provider}/latest/queryResults`, '$orderby=resourceId up', 400, /asc or desc/],
  [`${s}/${provider}/latest/queryResults`, '$select=numRecords', 400, /no member of a policy state/],
  [`${s}/${provider}/latest/queryResults`, '$top=0', 400, /InvalidTopParameter/],
  [`${s}/${provider}/latest/queryResults`, '$to=2025-06-01', 400, /earlier ones are not kept/],
  [`${s}/${provider}/latest/queryResults`, '$from=2026-06-01T00:00:00Z', 400, /in the future/],
  [`${s}/${provider}/latest/queryResults`, '$from=yesterday', 400, /a time such as/],
  [`${s}/${provider}/latest/queryResults`, '$apply=groupby((resourceId))', 400, /Accepted are \$filter/],
  [`${s}/${provider}/latest/queryResults`, '$expand=PolicyEvaluationDetails', 400, /QueryOptionNotSupported/],
  [`${s}/${provider}/latest/queryResults`, '$skiptoken=x', 400, /InvalidSkipToken/],
  [`${s}/${provider}/yesterday/queryResults`, '', 404, /latest, default/],
  [`${s}/${provider}/default/summarize`, '', 404, /InvalidPolicyStatesResource/],
  [`${net}/networkInterfaces/none/${provider}/latest/queryResults`, '', 404, /ResourceNotFound/],
  [`${s}/resourceGroups/none/${provider}/latest/queryResults`, '', 404, /ResourceGroupNotFound/],
  [`${rg}/${policies}/policyAssignments/none/${provider}/latest/queryResults`, '', 404, /PolicyAssignmentNotFound/],
  [`${s}/${policies}/policyDefinitions/none/${provider}/latest/summarize`, '', 404, /PolicyDefinitionNotFound/],
  [`${s}/${policies}/policySetDefinitions/none/${provider}/latest/summarize`, '', 404, /PolicySetDefinitionNotFound/],
  [
    `/providers/Microsoft.Management/managementGroups/m/${provider}/latest/queryResults`,
    '',
    404,
    /asked for at a subsc/,
  ],
  [`/${provider}/latest/queryResults`, '', 404, /InvalidResourceOperation/],
  [`${nic}/${provider}/latest/triggerEvaluation`, '', 404, /evaluated at the first two/],
];

test('what is not served is refused, and the answer says what is', async () => {
  for (const [path, query, status, says] of refusals) {
    const reply = await ask(path, query);
    assert.equal(reply.status, status, `${path} ${query}: ${reply.text}`);
    assert.match(reply.text, says);
  }
  assert.equal((await stamp.send(`${s}/${provider}/latest/queryResults?api-version=2019-10-01`)).status, 405);
});

test('who holds no right at the scope is told nothing, not even whether a policy is there', async () => {
  for (const scope of [s, rg, nic, assignment, `${rg}/${policies}/policyAssignments/none`]) {
    for (const [act, right] of [
      ['queryResults', 'queryResults/read'],
      ['summarize', 'summarize/read'],
    ] as const) {
      const reply = await ask(`${scope}/${provider}/latest/${act}`, '', stranger);
      assert.equal(reply.status, 403, reply.text);
      assert.ok(reply.text.includes(`Microsoft.PolicyInsights/policyStates/${right}`), reply.text);
    }
  }
  const scan = await ask(`${rg}/${provider}/latest/triggerEvaluation`, '', stranger);
  assert.equal(scan.status, 403);
});

test('a summary counts, and each count names where its rows are', async () => {
  const reply = await ask(`${rg}/${provider}/latest/summarize`);
  const [summary] = rowsOf(reply);
  assert.deepEqual(summary?.['results'], {
    queryResultsUri: `${stamp.base}${rg}/${provider}/latest/queryResults?api-version=2019-10-01&$filter=isCompliant%20eq%20false`,
    nonCompliantResources: 1,
    nonCompliantPolicies: 1,
    resourceDetails: [{ complianceState: 'noncompliant', count: 1 }],
    policyDetails: [
      { complianceState: 'compliant', count: 4 },
      { complianceState: 'noncompliant', count: 1 },
    ],
    policyGroupDetails: [],
  });
  const [first, ...others] = listIn(summary, 'policyAssignments');
  assert.equal(first?.['policyAssignmentId'], assignment);
  assert.equal(others.length, baseline.length);
  const [policy] = listIn(first, 'policyDefinitions');
  assert.deepEqual([policy?.['policyDefinitionId'], policy?.['effect']], [idOf(builtIn), 'deny']);
  const results = policy?.['results'];
  const uri = isObject(results) ? String(results['queryResultsUri']) : '';
  const [row, ...more] = rowsOf(await stamp.send(uri.slice(stamp.base.length), { method: 'POST' }));
  assert.deepEqual([row?.['resourceId'], more], [nic, []]);
  const [few] = rowsOf(await ask(`${rg}/${provider}/latest/summarize`, '$top=1'));
  assert.equal(listIn(few, 'policyAssignments').length, 1);
});

test('a scan has always been done', async () => {
  for (const scope of [s, rg]) {
    const reply = await ask(`${scope}/${provider}/latest/triggerEvaluation`);
    assert.deepEqual([reply.status, reply.text], [200, '']);
  }
});

test('the provider is in the catalog, with what roles can allow', async () => {
  const shown = await stamp.send(`${s}/providers/Microsoft.PolicyInsights?api-version=2019-10-01`);
  assert.match(shown.text, /"resourceType":"policyStates".*"2019-10-01"/);
  const operations = await stamp.send('/providers/Microsoft.PolicyInsights/operations?api-version=2019-10-01');
  assert.match(operations.text, /Microsoft\.PolicyInsights\/policyStates\/queryResults\/read/);
});

test('pages follow each other without a gap, also when rows came in between', () => {
  const asked = { query: new Map([['$top', '5']]), segments: ['a'], base: 'http://x' };
  const rows = (names: string): readonly { readonly id: string }[] => [...names].map((id) => ({ id }));
  const first = cutPage({ asked } as never, rows('abcde'), 2);
  assert.deepEqual(first.page, rows('ab'));
  const token = new URL(first.nextLink ?? '').searchParams.get('$skiptoken') ?? '';
  const next = { asked: { ...asked, query: new Map([['$skiptoken', token]]) } };
  assert.deepEqual(cutPage(next as never, rows('a1bcde'), 2).page, rows('cd'));
  const last = cutPage(next as never, rows('abcd'), 2);
  assert.deepEqual([last.page, last.nextLink], [rows('cd'), undefined]);
});
