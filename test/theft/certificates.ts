/** A service's certificate without its key. */

import { createPrivateKey } from 'node:crypto';
import { SignJWT } from 'jose';
import { readCertificate } from '#engine/identity/certificate.ts';
import { bearer, elsewhere, type Ground } from '#test/theft/ground.ts';
import { invalid, thefts, type Theft } from '#test/theft/row.ts';

const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

export async function copiedCertificates(ground: Ground): Promise<Theft[]> {
  const service = await ground.certified('svc');
  const scope = `${ground.model.endpoints.management}/.default`;
  const form = { grant_type: 'client_credentials', client_id: service.appId, scope };
  const { certificate, otherCertificate } = ground;
  const bound = ground.access(await ground.token(form, { certificate }));
  const url = ground.subscriptions;
  const assertion = await forgedAssertion(ground, service.appId);
  const asserted = { ...form, client_assertion_type: assertionType, client_assertion: assertion };
  return [
    ...thefts({ ...invalid, who: service.oid, secret: bound }, [
      [
        "service's token without its certificate",
        'cnf.x5t#S256',
        () => ground.ask(url, bearer(bound, { from: elsewhere })),
        { from: elsewhere, afterwards: () => ground.ask(url, bearer(bound, { certificate })) },
      ],
      [
        "service's token over another certificate of the same name",
        'cnf.x5t#S256',
        () => ground.ask(url, bearer(bound, { certificate: otherCertificate })),
      ],
    ]),
    ...thefts({ status: 401, code: 'invalid_client', from: '127.0.0.1' }, [
      [
        "service's certificate without its key: a look-alike connects",
        'TLS proves the key; the hash is not registered',
        () => ground.token(form, { certificate: otherCertificate }),
      ],
      [
        "service's certificate without its key: an assertion names it",
        'the signature',
        () => ground.token(asserted),
        { secret: assertion },
      ],
      ["service's id alone", 'a proof of the client is wanted', () => ground.token(form)],
    ]),
  ];
}

async function forgedAssertion(ground: Ground, appId: string): Promise<string> {
  const { certificate, otherCertificate, tokenUrl } = ground;
  const { x5t, x5tS256 } = readCertificate(certificate.certificatePem, 'x');
  const nowS = Math.floor(Date.now() / 1000);
  return await new SignJWT({ iss: appId, sub: appId, aud: tokenUrl, jti: 'j', iat: nowS, exp: nowS + 300 })
    .setProtectedHeader({ alg: 'RS256', x5t, 'x5t#S256': x5tS256 })
    .sign(createPrivateKey(otherCertificate.keyPem));
}
