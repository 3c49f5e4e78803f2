/** The documents that need no token: the endpoints of this cloud, in the four shapes that clients ask for, and a sign of life. */

import type { Json, JsonObject } from '#base/json.ts';
import { Refusal } from '#base/wrong.ts';
import { shown, type Answer } from '#faces/arm/answer.ts';
import type { Asked } from '#faces/arm/asked.ts';
import type { ArmOptions } from '#faces/arm/call.ts';

/** Answers `GET /metadata/endpoints`; undefined when something else is asked. */
export function metadataAnswer(asked: Asked, options: ArmOptions): Answer | undefined {
  if (asked.path.toLowerCase() !== '/metadata/endpoints') return undefined;
  if (asked.method !== 'GET' && asked.method !== 'HEAD') {
    throw new Refusal('MethodNotAllowed', 'The metadata document supports GET only.', { status: 405 });
  }
  return shown(documentFor(asked.query.get('api-version'), options));
}

/**
 * The shape follows the api-version (arm facts §2.8): `2015-01-01` and `1.0` for old az and PowerShell, a list of clouds for
 * 2018–2020, one cloud from 2022 on.
 */
function documentFor(apiVersion: string | undefined, options: ArmOptions): Json {
  if (apiVersion === undefined || apiVersion === '') {
    throw new Refusal(
      'MissingApiVersionParameter',
      'The api-version query parameter (?api-version=) is required for all requests.',
    );
  }
  if (apiVersion === '1.0') return oldShape(options);
  if (!/^\d{4}-\d{2}-\d{2}$/.test(apiVersion)) {
    throw new Refusal(
      'InvalidApiVersionParameter',
      `The api-version '${apiVersion.slice(0, 50)}' is invalid. Known: 1.0, 2015-01-01, 2020-06-01, 2022-09-01.`,
    );
  }
  if (apiVersion < '2018-01-01') return oldShape(options);
  return apiVersion < '2022-01-01' ? [cloud(options)] : cloud(options);
}

function oldShape({ endpoints }: ArmOptions): JsonObject {
  return {
    galleryEndpoint: `${endpoints.portal}/`,
    graphEndpoint: `${endpoints.graph}/`,
    portalEndpoint: `${endpoints.portal}/`,
    authentication: { loginEndpoint: endpoints.login, audiences: [endpoints.audience] },
  };
}

function cloud({ endpoints }: ArmOptions): JsonObject {
  const { zone, graph, portal } = endpoints;
  return {
    name: 'Ringwall',
    resourceManager: `${endpoints.resourceManager}/`,
    portal: `${portal}/`,
    gallery: `${portal}/`,
    graph: `${graph}/`,
    graphAudience: `${graph}/`,
    microsoftGraphResourceId: `${graph}/`,
    authentication: {
      loginEndpoint: endpoints.login,
      audiences: [endpoints.audience, endpoints.resourceManager],
      tenant: 'adfs',
      identityProvider: 'ADFS',
    },
    media: '',
    batch: '',
    vmImageAliasDoc: '',
    activeDirectoryDataLake: '',
    sqlManagement: '',
    suffixes: {
      storage: zone,
      keyVaultDns: `vault.${zone}`,
      sqlServerHostname: `database.${zone}`,
      acrLoginServer: `azurecr.${zone}`,
    },
  };
}
