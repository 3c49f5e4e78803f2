/** What passes `ringwall bind`: which requests, and what is changed in what comes back. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  ownAddresses,
  ownDiscovery,
  ownHeader,
  ownLinks,
  ownMetadata,
  plainToken,
  wantedOf,
} from '#main/bind/addresses.ts';

const secret = '0123456789abcdef0123456789abcdef';
const addresses = {
  stamp: { management: 'https://adminmanagement.test', login: 'https://adfs.test/adfs' },
  own: ownAddresses(4711, secret),
};

test('only addresses with the secret are passed, and of the sign-in only what programs call', () => {
  const rows: readonly (readonly [url: string, kind: string | undefined, path?: string])[] = [
    [`/${secret}/subscriptions?api-version=1`, 'arm', '/subscriptions?api-version=1'],
    [`/${secret}`, 'arm', '/'],
    [`/${secret}?x=1`, 'arm', '/?x=1'],
    [`/${secret}//x`, 'arm', '//x'],
    [`/adfs/${secret}/adfs/oauth2/token/?id=1`, 'token', '/adfs/oauth2/token/?id=1'],
    [`/adfs/${secret}/adfs/.well-known/openid-configuration`, 'discovery', '/adfs/.well-known/openid-configuration'],
    [`/adfs/${secret}/adfs/oauth2/authorize/`, undefined],
    [`/adfs/${secret}/adfs/oauth2/token/../authorize`, undefined],
    [`/adfs/${secret}`, undefined],
    [`/adfs/oauth2/token`, undefined],
    [`/${secret}0/subscriptions`, undefined],
    [`/${secret.slice(1)}/subscriptions`, undefined],
    [`/${secret.toUpperCase()}/subscriptions`, undefined],
    [`//${secret}/subscriptions`, undefined],
    [`https://adminmanagement.test/${secret}/x`, undefined],
    ['/', undefined],
    ['*', undefined],
  ];
  for (const [url, kind, path] of rows) {
    const wanted = wantedOf(url, secret);
    assert.deepEqual([wanted?.kind, wanted?.path], [kind, path], url);
  }
});

test('no address without the secret is passed', () => {
  fc.assert(
    fc.property(fc.oneof(fc.webPath(), fc.string()), (url) => {
      assert.equal(wantedOf(url, secret), undefined);
    }),
  );
});

test('documents name our own endpoints to programs, and the stamp to people and as the issuer and audience', () => {
  const metadata = {
    resourceManager: 'https://adminmanagement.test/',
    portal: 'https://portal.test/',
    authentication: { loginEndpoint: 'https://adfs.test/adfs', audiences: ['https://adminmanagement.test/'] },
  };
  const own = {
    ...metadata,
    resourceManager: `${addresses.own.management}/`,
    authentication: { ...metadata.authentication, loginEndpoint: addresses.own.login },
  };
  assert.deepEqual(ownMetadata(metadata, addresses), own);
  assert.deepEqual(ownMetadata([metadata], addresses), [own]);
  const discovery = ownDiscovery(
    {
      issuer: 'https://adfs.test/adfs',
      token_endpoint: 'https://adfs.test/adfs/oauth2/token/',
      device_authorization_endpoint: 'https://adfs.test/adfs/oauth2/devicecode',
      jwks_uri: 'https://adfs.test/adfs/discovery/keys',
      authorization_endpoint: 'https://adfs.test/adfs/oauth2/authorize/',
    },
    addresses,
  );
  assert.deepEqual(discovery, {
    issuer: 'https://adfs.test/adfs',
    token_endpoint: `${addresses.own.login}/oauth2/token/`,
    device_authorization_endpoint: `${addresses.own.login}/oauth2/devicecode`,
    jwks_uri: `${addresses.own.login}/discovery/keys`,
    authorization_endpoint: 'https://adfs.test/adfs/oauth2/authorize/',
  });
});

test('links lead back to us, and addresses of others stay', () => {
  const { management } = addresses.own;
  const link = (nextLink: string) => ownLinks({ value: [], nextLink }, addresses);
  assert.deepEqual(link('https://adminmanagement.test/a?b=c'), { value: [], nextLink: `${management}/a?b=c` });
  assert.deepEqual(link('https://adminmanagement.test.evil/a'), {
    value: [],
    nextLink: 'https://adminmanagement.test.evil/a',
  });
  assert.equal(ownHeader('azure-asyncoperation', 'https://adminmanagement.test/x', addresses), `${management}/x`);
  assert.equal(ownHeader('location', 'https://evil.test/x', addresses), 'https://evil.test/x');
  assert.equal(ownHeader('etag', 'https://adminmanagement.test/x', addresses), 'https://adminmanagement.test/x');
  assert.deepEqual(plainToken({ token_type: 'DPoP', access_token: 'x' }), { token_type: 'Bearer', access_token: 'x' });
});
