/** Forged tokens: other algorithms, keys by reference, other directories, other times; each made with what a thief could have. */

import {
  constants,
  createHmac,
  createPrivateKey,
  createPublicKey,
  createSign,
  generateKeyPairSync,
  sign,
  type KeyObject,
} from 'node:crypto';
import { decodeJwt, exportJWK, type JWK } from 'jose';
import { bearer, type Ground, type Person } from '#test/theft/ground.ts';
import { invalid, thefts, type Theft } from '#test/theft/row.ts';

type Part = Readonly<Record<string, unknown>>;
type Signer = (text: string) => Buffer;

const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const rs256 = (key: KeyObject): Signer => {
  return (text) => createSign('sha256').update(text).sign(key);
};
const ps256 = (key: KeyObject): Signer => {
  return (text) => sign('sha256', Buffer.from(text), { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 });
};
const hs256 = (secret: string | Buffer): Signer => {
  return (text) => createHmac('sha256', secret).update(text).digest();
};

/** Signs by hand: libraries refuse to make what these rows need. */
function made(header: Part, claims: Part, signer: Signer): string {
  const text = `${part(header)}.${part(claims)}`;
  return `${text}.${signer(text).toString('base64url')}`;
}

/** A good token in parts, our key as only the stamp has it, and the thief's own. */
type Material = {
  readonly token: string;
  readonly header: Part;
  readonly claims: Part;
  readonly ours: KeyObject;
  readonly own: KeyObject;
  readonly ownJwk: JWK;
};

async function materialOf(ground: Ground, ann: Person): Promise<Material> {
  const [stored] = ground.keys.keys;
  const ours = createPrivateKey({ key: stored as JWK, format: 'jwk' });
  const token = ground.access(await ground.token(ground.byPassword(ann)));
  const own = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const header = { alg: 'RS256', kid: stored?.kid, typ: 'at+jwt' };
  const ownJwk = await exportJWK(own.publicKey);
  return { token, header, claims: decodeJwt(token), ours, own: own.privateKey, ownJwk };
}

/** Tokens that a thief makes or alters: nobody can be named. Those with our own signature show what else is checked. */
export async function forgedTokens(ground: Ground, ann: Person): Promise<Theft[]> {
  const material = await materialOf(ground, ann);
  const idToken = String((await ground.token(ground.byPassword(ann))).json['id_token']);
  const rows = [
    ...algorithmRows(material),
    ...keyRows(material),
    ['identity token as access token', 'typ at+jwt', idToken] as const,
  ];
  const ask = (text: string) => () => ground.ask(ground.subscriptions, bearer(text));
  const anonymous = rows.map(([name, defence, text]) => [name, defence, ask(text), { secret: text }] as const);
  const named = claimRows(material).map(
    ([name, defence, text, code]) => [name, defence, ask(text), { secret: text, code }] as const,
  );
  return [
    ...thefts({ ...invalid, from: '127.0.0.1' }, anonymous),
    ...thefts({ ...invalid, from: '127.0.0.1', who: ann.oid }, named),
  ];
}

type Row = readonly [name: string, defence: string, text: string];

function algorithmRows({ token, header, claims, ours, own }: Material): Row[] {
  const [head = '', body = '', tail = ''] = token.split('.');
  const open = createPublicKey(ours);
  const pem = open.export({ type: 'spki', format: 'pem' }).toString();
  const der = open.export({ type: 'spki', format: 'der' });
  const modulus = Buffer.from(String(open.export({ format: 'jwk' }).n), 'base64url');
  const as = (alg: string, signer: Signer): string => made({ ...header, alg }, claims, signer);
  const only = 'RS256 only';
  return [
    ['alg none', only, as('none', () => Buffer.alloc(0))],
    ['alg None, signature kept', only, `${part({ ...header, alg: 'None' })}.${body}.${tail}`],
    ['no signature', 'the signature', `${head}.${body}.`],
    ['HS256 with our public key as PEM', only, as('HS256', hs256(pem))],
    ['HS256 with our public key as DER', only, as('HS256', hs256(der))],
    ['HS256 with our modulus', only, as('HS256', hs256(modulus))],
    ['RS256 signature called PS256', only, `${part({ ...header, alg: 'PS256' })}.${body}.${tail}`],
    ['PS256 by our own key', only, as('PS256', ps256(ours))],
    ["RS256 by the thief's key", 'the signature', as('RS256', rs256(own))],
    ['claims altered', 'the signature', `${head}.${part({ ...claims, oid: 'root' })}.${tail}`],
    ['encrypted token (five parts)', 'no such kind', `${head}.${body}.${tail}.x.x`],
  ];
}

function keyRows({ header, claims, ours, own, ownJwk }: Material): Row[] {
  const by = (change: Part): string => made({ ...header, ...change }, claims, rs256(own));
  const [ourKeys, list] = ['keys are ours alone; nothing is fetched', 'kid is a name in our list'];
  const address = 'https://127.0.0.1:9/keys';
  return [
    ['the key in the header (jwk)', ourKeys, by({ jwk: ownJwk })],
    ['the key in the header, its own kid', ourKeys, by({ jwk: ownJwk, kid: 'mine' })],
    ['a key by address (jku)', ourKeys, by({ jku: address, kid: 'mine' })],
    ['a certificate by address (x5u, x5c)', ourKeys, by({ x5u: address, x5c: ['AA=='], kid: 'mine' })],
    ['kid that is a path', list, made({ ...header, kid: '../../../../dev/null' }, claims, hs256(''))],
    ['kid that is SQL', list, by({ kid: "x' UNION SELECT 'k" })],
    ['kid of the prototype', list, by({ kid: '__proto__' })],
    ['kid that is a number', list, by({ kid: 1 })],
    ['no kid', list, by({ kid: undefined })],
    ['critical extension', 'crit that is unknown', made({ ...header, crit: ['x'], x: 1 }, claims, rs256(ours))],
  ];
}

/** Signed by our own key, as if the issuer itself had erred: the audit can name whom they speak of. */
function claimRows({ header, claims, ours }: Material): (readonly [...Row, code: string])[] {
  const nowS = Math.floor(Date.now() / 1000);
  const changed = (change: Part): string => made(header, { ...claims, ...change }, rs256(ours));
  const [tenant, plain] = ['InvalidAuthenticationTokenTenant', invalid.code];
  const late = { iat: nowS - 900, nbf: nowS - 900, exp: nowS - 300 };
  return [
    ['another directory, signed by our own key', 'tid', changed({ tid: crypto.randomUUID() }), tenant],
    ['no directory', 'tid is wanted', changed({ tid: undefined }), plain],
    ['another issuer, signed by our own key', 'iss', changed({ iss: 'https://adfs.evil.test/adfs' }), tenant],
    ['expired', 'exp', changed(late), 'ExpiredAuthenticationToken'],
    ['without an end', 'exp is wanted', changed({ exp: undefined }), plain],
    ['not yet valid', 'nbf', changed({ nbf: nowS + 300, exp: nowS + 900 }), plain],
    ['bound in a way nobody knows', 'cnf that is unknown', changed({ cnf: { kid: 'x' } }), plain],
    ['bound in two ways', 'cnf that is unknown', changed({ cnf: { jkt: 'x', 'x5t#S256': 'x' } }), plain],
  ];
}
