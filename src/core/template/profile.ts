/** The api-version that an API profile gives to a resource type (Azure API profiles for hybrid clouds). */

import { Refusal } from '#base/wrong.ts';

/** One provider of a profile: the version of the types that are not named, and those that are. Names in lower case. */
type ProfileProvider = { readonly others?: string; readonly types: Readonly<Record<string, string>> };

type Profile = Readonly<Record<string, ProfileProvider>>;

/** The names of the profiles that a template may carry as `apiProfile`. */
const profileNames = ['2017-03-09-profile', '2018-03-01-hybrid', '2019-03-01-hybrid', '2020-09-01-hybrid'] as const;

/**
 * The version that the profile gives to a type. A child type has its nearest listed ancestor's; undefined when the profile
 * does not know the type at all. An unknown profile is refused.
 */
export function profileVersion(profile: string, type: string): string | undefined {
  const providers = Object.hasOwn(profiles, profile.toLowerCase()) ? profiles[profile.toLowerCase()] : undefined;
  if (providers === undefined) {
    throw new Refusal('InvalidTemplate', `The apiProfile '${profile}' is not known; ${profileNames.join(', ')} are.`, {
      target: '/apiProfile',
    });
  }
  const [namespace = '', ...parts] = type.toLowerCase().split('/');
  const provider = Object.hasOwn(providers, namespace) ? providers[namespace] : undefined;
  if (provider === undefined) return undefined;
  for (let size = parts.length; size > 0; size -= 1) {
    const name = parts.slice(0, size).join('/');
    if (Object.hasOwn(provider.types, name)) return provider.types[name];
  }
  return provider.others;
}

const authorization = {
  types: {
    locks: '2016-09-01',
    policyassignments: '2016-12-01',
    policydefinitions: '2016-12-01',
    permissions: '2015-07-01',
    roleassignments: '2015-07-01',
    roledefinitions: '2015-07-01',
    operations: '2015-07-01',
  },
};

const web2018 = {
  others: '2018-02-01',
  types: {
    'serverfarms/metricdefinitions': '2016-09-01',
    'serverfarms/metrics': '2016-09-01',
    'serverfarms/usages': '2016-09-01',
  },
};

const insights = {
  types: {
    metricdefinitions: '2018-01-01',
    metrics: '2018-01-01',
    diagnosticsettings: '2017-05-01-preview',
    diagnosticsettingcategories: '2017-05-01-preview',
    eventcategories: '2015-04-01',
    operations: '2015-04-01',
  },
};

const profiles: Readonly<Record<string, Profile>> = {
  '2017-03-09-profile': {
    'microsoft.authorization': {
      others: '2015-07-01',
      types: { locks: '2015-01-01', policyassignments: '2015-10-01-preview', policydefinitions: '2015-10-01-preview' },
    },
    'microsoft.compute': { others: '2016-03-30', types: {} },
    'microsoft.keyvault': { others: '2016-10-01', types: {} },
    'microsoft.network': { others: '2015-06-15', types: {} },
    'microsoft.storage': { others: '2016-01-01', types: {} },
    'microsoft.resources': { others: '2016-02-01', types: { links: '2016-09-01' } },
  },
  '2018-03-01-hybrid': {
    'microsoft.authorization': authorization,
    'microsoft.compute': { others: '2017-03-30', types: {} },
    'microsoft.keyvault': { others: '2016-10-01', types: {} },
    'microsoft.network': { others: '2017-10-01', types: { dnszones: '2016-04-01' } },
    'microsoft.resources': {
      others: '2018-02-01',
      types: { tenants: '2016-06-01', subscriptions: '2016-06-01', 'subscriptions/resourcegroups': '2018-02-01' },
    },
    'microsoft.storage': { others: '2016-01-01', types: {} },
    'microsoft.web': {
      others: '2016-03-01',
      types: { sites: '2016-08-01', serverfarms: '2016-09-01', metadata: '2016-08-01', sourcecontrols: '2016-08-01' },
    },
  },
  '2019-03-01-hybrid': {
    'microsoft.authorization': {
      types: { ...authorization.types, provideroperations: '2015-07-01-preview' },
    },
    'microsoft.compute': { others: '2017-03-30', types: {} },
    'microsoft.eventhub': { others: '2018-01-01-preview', types: {} },
    'microsoft.insights': insights,
    'microsoft.keyvault': { others: '2016-10-01', types: {} },
    'microsoft.network': { others: '2017-10-01', types: { dnszones: '2016-04-01' } },
    'microsoft.resources': { others: '2018-05-01', types: {} },
    'microsoft.storage': { others: '2017-10-01', types: {} },
    'microsoft.web': web2018,
  },
  '2020-09-01-hybrid': {
    'microsoft.authorization': {
      types: { ...authorization.types, provideroperations: '2015-07-01' },
    },
    'microsoft.commerce': { others: '2015-06-01-preview', types: {} },
    'microsoft.compute': { others: '2020-06-01', types: { disks: '2019-07-01', snapshots: '2019-07-01' } },
    'microsoft.containerregistry': { others: '2019-05-01', types: {} },
    'microsoft.databoxedge': { others: '2019-08-01', types: {} },
    'microsoft.devices': { others: '2019-07-01-preview', types: {} },
    'microsoft.eventhub': {
      others: '2017-04-01',
      types: { namespaces: '2018-01-01-preview', clusters: '2018-01-01-preview', 'namespaces/eventhubs': '2017-04-01' },
    },
    'microsoft.insights': insights,
    'microsoft.keyvault': { others: '2019-09-01', types: {} },
    'microsoft.network': { others: '2018-11-01', types: { dnszones: '2016-04-01' } },
    'microsoft.resources': {
      others: '2019-10-01',
      types: { tenants: '2016-06-01', subscriptions: '2016-06-01', 'subscriptions/resourcegroups': '2019-10-01' },
    },
    'microsoft.storage': { others: '2019-06-01', types: {} },
    'microsoft.web': { others: '2018-02-01', types: {} },
  },
};
