/** The clients of both generations of packages, made the way their documents say for a cloud that is not the public one. */

import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { Fault } from '#base/wrong.ts';

export type Order = {
  /** The `package.json` beside which the packages are installed. */
  readonly packages: string;
  readonly generation: 'hybrid' | 'current';
  readonly management: string;
  /** `https://adfs.<zone>`: without the last segment, which is given as the tenant. */
  readonly authority: string;
  readonly audience: string;
  readonly subscription: string;
  readonly appId: string;
  readonly secret?: string;
  readonly certificateFile?: string;
  /** One who may only read. */
  readonly reader: { readonly appId: string; readonly secret: string };
};

export type Clients = Readonly<Record<string, unknown>>;

type Constructor = new (...parts: readonly unknown[]) => object;

const profile = 'profile-2020-09-01-hybrid';

/** Name of a client here, its package and its class. */
const kinds: Readonly<Record<Order['generation'], readonly (readonly [string, string, string])[]>> = {
  hybrid: [
    ['network', `@azure/arm-network-${profile}`, 'NetworkManagementClient'],
    ['resources', `@azure/arm-resources-${profile}`, 'ResourceManagementClient'],
    ['deployments', `@azure/arm-resources-${profile}`, 'ResourceManagementClient'],
    ['authorization', `@azure/arm-authorization-${profile}`, 'AuthorizationManagementClient'],
    ['storage', `@azure/arm-storage-${profile}`, 'StorageManagementClient'],
  ],
  current: [
    ['network', '@azure/arm-network', 'NetworkManagementClient'],
    ['compute', '@azure/arm-compute', 'ComputeManagementClient'],
    ['resources', '@azure/arm-resources', 'ResourceManagementClient'],
    ['deployments', '@azure/arm-resourcesdeployments', 'DeploymentsClient'],
    ['subscriptions', '@azure/arm-resources-subscriptions', 'SubscriptionClient'],
    ['locks', '@azure/arm-locks', 'ManagementLockClient'],
    ['policy', '@azure/arm-policy', 'PolicyClient'],
    ['authorization', '@azure/arm-authorization', 'AuthorizationManagementClient'],
  ],
};

/** Imports the packages and makes their clients with one credential. */
export async function makeClients(order: Order): Promise<Clients> {
  const load = loader(order.packages);
  const identity = await load('@azure/identity');
  const credential = makeCredential(identity, order);
  const scopes = [`${order.audience}/.default`];
  const options = { endpoint: order.management, credentials: { scopes }, credentialScopes: scopes };
  const made = kinds[order.generation].map(async ([name, packageName, className]) => {
    const Client = classOf(await load(packageName), className);
    const parts = name === 'subscriptions' ? [credential, options] : [credential, order.subscription, options];
    return [name, new Client(...parts)] as const;
  });
  const [, networkPackage = '', networkClass = ''] = kinds[order.generation][0] ?? [];
  const Network = classOf(await load(networkPackage), networkClass);
  const readers = makeCredential(identity, { authority: order.authority, ...order.reader });
  return {
    ...Object.fromEntries(await Promise.all(made)),
    reader: new Network(readers, order.subscription, options),
    stranger: new Network(madeUp, order.subscription, options),
  };
}

/** A token that nobody issued. */
const madeUp = {
  getToken: () => Promise.resolve({ token: 'aaaa.bbbb.cccc', expiresOnTimestamp: Date.now() + 3_600_000 }),
};

type Module = Readonly<Record<string, unknown>>;

function loader(packages: string): (name: string) => Promise<Module> {
  const { resolve } = createRequire(packages);
  return async (name) => {
    const address = pathToFileURL(resolve(name)).href;
    return (await import(address)) as Module;
  };
}

type Signing = Pick<Order, 'authority' | 'appId' | 'secret' | 'certificateFile'>;

function makeCredential(identity: Module, { authority, appId, secret, certificateFile }: Signing): object {
  const options = { authorityHost: authority, disableInstanceDiscovery: true };
  if (certificateFile === undefined)
    return new (classOf(identity, 'ClientSecretCredential'))('adfs', appId, secret ?? '', options);
  return new (classOf(identity, 'ClientCertificateCredential'))(
    'adfs',
    appId,
    { certificatePath: certificateFile },
    options,
  );
}

function classOf(module: Module, name: string): Constructor {
  const held = module[name] ?? (module['default'] as Module | undefined)?.[name];
  if (typeof held !== 'function')
    throw new Fault(
      'PeersPackageChanged',
      `The package has no class ${name}; it has ${Object.keys(module).join(', ').slice(0, 300)}.`,
    );
  return held as Constructor;
}
