/** `ringwall bind`: on the operator's own machine it holds the key that the operator's plane wants, so that unmodified az and SDKs work there. */

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { isObject, type Json } from '#base/json.ts';
import { Fault, Refusal } from '#base/wrong.ts';
import { openKey, readPrivate, writePrivate } from '#main/bind/key-file.ts';
import { StampLine } from '#main/bind/stamp-call.ts';
import { freshSecret, openWay, type Way } from '#main/bind/way.ts';
import { print } from '#main/command/options.ts';
import { untilInterrupted } from '#main/command/up.ts';

export type BindOptions = {
  readonly ca?: string;
  readonly key?: string;
  readonly port?: number;
  readonly json?: boolean;
};

/** Opens the way to one management endpoint and serves until interrupted. */
export async function bind(management: string, options: BindOptions): Promise<void> {
  const way = await openBind(management, options);
  const { cloudFile, caFile } = way;
  const commands = [
    `export REQUESTS_CA_BUNDLE=${caFile}`,
    `az cloud register -n ringwall-bound --cloud-config @${cloudFile}`,
    'az cloud set -n ringwall-bound',
    'az login --use-device-code',
  ];
  const text = [
    `Bound to ${management} by the key of ${way.keyFile} (thumbprint ${way.jkt}).`,
    `Listening on 127.0.0.1:${way.port}. The address with its secret is in ${cloudFile}; SDKs take ${caFile} as the authority.`,
    ...commands.map((command) => `  ${command}`),
  ].join('\n');
  const { port, keyFile, jkt } = way;
  print(options, { state: 'ready', port, keyFile, jkt, cloudFile, caFile, login: { commands } }, text);
  try {
    await untilInterrupted(() => Promise.resolve());
  } finally {
    await way.close();
  }
}

export type Bound = Way & {
  readonly keyFile: string;
  readonly cloudFile: string;
  readonly caFile: string;
  readonly jkt: string;
};

/** Opens the way and writes the files that clients need; separate so that a test can use it in its own process. */
export async function openBind(management: string, options: BindOptions): Promise<Bound> {
  const url = URL.parse(management);
  if (url?.protocol !== 'https:' || url.pathname.replaceAll('/', '') !== '' || url.search !== '') {
    const says = `"${management}" is no management endpoint; wanted is https://HOST or https://HOST:PORT.`;
    throw new Refusal('InvalidEndpoint', says, { target: 'endpoint' });
  }
  const configuration = join(process.env['XDG_CONFIG_HOME'] ?? join(homedir(), '.config'), 'ringwall');
  const keyFile = resolve(options.key ?? join(configuration, 'bind.pem'));
  const place = join(dirname(keyFile), `bind-${url.host.replace(/[^a-z0-9.-]/gi, '-')}`);
  const [cloudFile, caFile] = [`${place}-cloud.json`, `${place}-ca.pem`];
  const key = await openKey(keyFile);
  const ca = options.ca === undefined ? undefined : readFileSync(options.ca, 'utf8');
  const line = new StampLine(key, ca);
  const stamp = await stampAddresses(line, url.origin).finally(() => line.close());
  // The address of the last time: what clients have registered goes on working.
  const before = addressBefore(cloudFile);
  const common = { stamp, key, ca, secret: before?.secret ?? freshSecret() };
  const way = await openOr(common, options.port, before?.port);
  const cloud = { endpoints: { resourceManager: way.own.management } };
  writePrivate(cloudFile, `${JSON.stringify(cloud)}\n`, 'w');
  writeFileSync(caFile, way.caPem);
  return { ...way, keyFile, cloudFile, caFile, jkt: key.jkt };
}

type Common = Omit<Parameters<typeof openWay>[0], 'port'>;

async function openOr(common: Common, asked: number | undefined, before: number | undefined): Promise<Way> {
  const port = asked ?? before ?? 0;
  try {
    return await openWay({ ...common, port });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    if (asked !== undefined)
      throw new Refusal('PortTaken', `Port ${asked} is taken; name another.`, { target: '--port' });
    return await openWay({ ...common, port: 0 });
  }
}

/** Where the stamp's sign-in is, as its own metadata document says. */
async function stampAddresses(line: StampLine, management: string) {
  const url = `${management}/metadata/endpoints?api-version=2022-09-01`;
  const { status, body } = await line.call({ method: 'GET', url, headers: {}, body: Buffer.alloc(0) });
  const document = status === 200 ? (JSON.parse(body.toString('utf8')) as Json) : null;
  const authentication = isObject(document) ? document['authentication'] : undefined;
  const login = isObject(authentication) ? authentication['loginEndpoint'] : undefined;
  if (typeof login === 'string' && login.startsWith('https://')) return { management, login };
  throw new Fault('NoStamp', `${url} answered ${status} and names no sign-in; it is not the endpoint of a stamp.`);
}

function addressBefore(cloudFile: string): { readonly port: number; readonly secret: string } | undefined {
  if (!existsSync(cloudFile)) return undefined;
  const found = /https:\/\/127\.0\.0\.1:(\d{1,5})\/([0-9a-f]{32})"/.exec(readPrivate(cloudFile));
  return found?.[2] === undefined ? undefined : { port: Number(found[1]), secret: found[2] };
}
