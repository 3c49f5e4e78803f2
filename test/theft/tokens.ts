/** Copied access tokens and captured proofs, on the tenants' plane. */

import { bearer, elsewhere, type Ground, type Person, type Reply } from '#test/theft/ground.ts';
import { badProof, invalid, thefts, type Theft } from '#test/theft/row.ts';

/** Access tokens that were copied from where a client keeps them. */
export async function copiedTokens(ground: Ground, ann: Person): Promise<Theft[]> {
  const near = await ground.person('near');
  ground.networkBound.add(near.oid);
  const kept = ground.access(await ground.token(ground.byPassword(near)));
  const bound = ground.access(await ground.token(ground.byPassword(ann), { by: ground.key }));
  const url = ground.subscriptions;
  const captured = async (): Promise<Record<string, string>> => ({ dpop: await ground.proof({ url, token: bound }) });
  return [
    ...thefts({ ...invalid, from: elsewhere, who: near.oid, secret: kept }, [
      [
        "az's token cache on another machine, plan binds to the network",
        'claim net: the network it was issued to',
        () => ground.ask(url, bearer(kept, { from: elsewhere })),
        { afterwards: () => ground.ask(url, bearer(kept)) },
      ],
    ]),
    ...thefts({ ...invalid, from: elsewhere, who: ann.oid, secret: bound }, [
      [
        "az's token cache on another machine, token bound through bind",
        'cnf.jkt: a bound token is no bearer token',
        () => ground.ask(url, bearer(bound, { from: elsewhere })),
      ],
      [
        'bound token with the Bearer scheme beside a captured proof',
        'a bound token wants the scheme DPoP',
        async () =>
          ground.ask(url, { from: elsewhere, headers: { authorization: `Bearer ${bound}`, ...(await captured()) } }),
      ],
    ]),
    ...(await capturedProofs(ground, ann, bound)),
  ];
}

async function capturedProofs(ground: Ground, ann: Person, bound: string): Promise<Theft[]> {
  const url = ground.subscriptions;
  await ground.learnNonce(url, bound);
  const other = ground.access(await ground.token(ground.byPassword(ann), { by: ground.key }));
  const withProof = async (dpop: string): Promise<Reply> =>
    ground.ask(url, { from: elsewhere, headers: { authorization: `DPoP ${bound}`, dpop } });
  const elsewhereInIt = url.replace('/subscriptions', '/tenants');
  const replayed = async (): Promise<Reply> => {
    const proof = await ground.proof({ url, token: bound });
    const first = await withProof(proof);
    if (first.status !== 200) throw new Error(`its owner was refused: ${JSON.stringify(first.json)}`);
    return await withProof(proof);
  };
  const made = (wish: Partial<Parameters<Ground['proof']>[0]>) => async () =>
    withProof(await ground.proof({ url, token: bound, ...wish }));
  return thefts({ ...badProof, from: elsewhere, who: ann.oid, secret: bound }, [
    [
      "bound token with a proof by the thief's own key",
      'jkt of the token is not that key',
      made({ by: ground.thiefKey }),
    ],
    ['replayed proof', 'jti is good once', replayed],
    ['captured proof for another method', 'htm', made({ method: 'PUT' })],
    ['captured proof for another address', 'htu', made({ url: elsewhereInIt })],
    ['captured proof for another token of the same key', 'ath', made({ token: other })],
    [
      'captured proof of the sign-in',
      'htu, ath and the nonce of another place',
      async () => withProof(await ground.proof({ url: ground.tokenUrl, method: 'POST' })),
    ],
  ]);
}
