/** Copied tokens of the operator, and tokens of one plane at the other. */

import { bearer, elsewhere, type Ground, type Program, type Reply } from '#test/theft/ground.ts';
import { badProof, invalid, thefts, type Theft } from '#test/theft/row.ts';

/** The operator's plane takes only tokens that are bound, of its own audience. */
export async function operatorTokens(ground: Ground, ci: Program): Promise<Theft[]> {
  const { adminManagement: audience, graph: graphAudience } = ground.model.endpoints;
  const signedIn = async (at?: string, by?: Ground['key']): Promise<string> =>
    ground.access(await ground.token(ground.bySecret(ci, at), by === undefined ? {} : { by }));
  const [plain, bound] = [await signedIn(audience), await signedIn(audience, ground.key)];
  const [tenant, graph] = [await signedIn(undefined, ground.key), await signedIn(graphAudience)];
  const [url, tenants] = [ground.adminSubscriptions, ground.subscriptions];
  const proved = async (token: string, by = ground.key): Promise<Reply> => {
    const dpop = await ground.proof({ url, token, by });
    return await ground.ask(url, { headers: { authorization: `DPoP ${token}`, dpop } });
  };
  const crossed = async (at: string, name: string): Promise<Reply> => {
    const dpop = await ground.proof({ url: name, token: bound, at });
    return await ground.ask(at, { headers: { authorization: `DPoP ${bound}`, dpop } });
  };
  await ground.learnNonce(url, bound);
  const good = await proved(bound);
  if (good.status !== 200) throw new Error(`the operator is refused: ${JSON.stringify(good.json)}`);
  const who = ci.oid;
  return [
    ...thefts({ ...invalid, who }, [
      [
        "copied operator's token, plain",
        'the plane takes no plain token',
        () => ground.ask(url, bearer(plain, { from: elsewhere })),
        { secret: plain, from: elsewhere },
      ],
      ["copied operator's token, plain, with a proof", 'it is bound to no key', () => proved(plain, ground.thiefKey)],
      [
        "copied operator's token, bound, without the key",
        'cnf.jkt',
        () => ground.ask(url, bearer(bound)),
        { secret: bound, afterwards: () => proved(bound) },
      ],
    ]),
    ...thefts({ ...badProof, who }, [
      ["copied operator's token, bound, with the thief's key", 'cnf.jkt', () => proved(bound, ground.thiefKey)],
      ["proof for the tenants' plane on the operator's", 'htu', () => crossed(url, tenants)],
    ]),
    ...thefts({ status: 401, code: 'InvalidAuthenticationTokenAudience', who }, [
      ["tenant's token on the operator's plane", 'aud', () => proved(tenant)],
      ["operator's token on the tenants' plane", 'aud', () => crossed(tenants, tenants)],
      ["token for the graph on the tenants' plane", 'aud', () => ground.ask(tenants, bearer(graph))],
    ]),
  ];
}
