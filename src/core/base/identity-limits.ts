/** The limits of identity: directories, sign-ins, tokens and proofs, each with a name like those in `limits.ts`. */

/** Identity: rows of one directory, and what hangs on one principal. */
export const principalsMax = 10_000;
export const groupsPerPrincipalMax = 200;
/** Directories of a stamp, their domains, their administrators, and the objects of all of them together. */
export const directoriesMax = 500;
export const domainsPerDirectoryMax = 20;
export const administratorsMax = 100;
export const principalsOfStampMax = 100_000;
export const identifierUrisMax = 20;
/** Graph: requests at work, bodies, lists, and what one $filter may hold. */
export const graphRequestsMax = 500;
export const graphBodyBytesMax = 131_072;
export const graphBodyWaitMs = 10_000;
export const graphPageMax = 999;
export const graphPageUsual = 100;
export const graphIdsMax = 1000;
export const filterTextMax = 4096;
export const filterDepthMax = 16;
/** The longest life of a secret that Graph is asked for. */
export const secretLifeMaxMs = 2 * 366 * 24 * 3600_000;
export const credentialsPerApplicationMax = 20;
export const signInNameMax = 320;
/** Password lengths in characters: long enough to stand offline guessing, short enough to hash without harm. */
export const passwordLengthMin = 14;
export const passwordLengthMax = 256;
/** Password hashes worked on at once (each takes 64 MiB and a thread of the pool), and callers waiting for one. */
export const passwordHashParallelMax = 2;
export const passwordHashWaitingMax = 64;
/** Failed sign-ins before a wait: by one source at one account, at one account from anywhere, by one source at all. */
export const signInFailuresPairMax = 5;
export const signInFailuresAccountMax = 50;
export const signInFailuresSourceMax = 50;
/** The first wait after too many failures; it doubles with each further one up to the last, and is forgotten later. */
export const signInWaitMs = 30_000;
export const signInWaitMaxMs = 15 * 60_000;
export const signInForgetMs = 30 * 60_000;
export const signInTrackedMax = 20_000;
/** Tokens: clients treat one with less than five minutes left as expired, so it must live well over that. One that is bound lives for an hour, a plain one for ten minutes (decision D4.3). */
export const boundTokenLifeS = 3600;
export const plainTokenLifeS = 600;
export const tokenBytesMax = 16_384;
export const tokenCachedMax = 10_000;
export const tokenCachedMs = 60_000;
/** Refresh: how long one sign-in lasts unused and at all; a second use within the grace is a client's race, not a theft. */
export const refreshIdleMs = 24 * 3600_000;
export const refreshLifeMs = 7 * 24 * 3600_000;
export const refreshGraceMs = 10_000;
export const refreshPerPrincipalMax = 50;
/** Codes that wait to be redeemed. RFC 6749 §4.1.2 allows ten minutes for an authorization code; two are plenty. */
export const authorizationCodeMs = 120_000;
export const authorizationCodesMax = 5000;
export const deviceCodeMs = 15 * 60_000;
export const deviceCodesMax = 2000;
export const deviceCodesPerSourceMax = 50;
export const devicePollS = 5;
export const assertionLifeMaxS = 3600;
/** Proofs of a key (RFC 9449): their size, how far a client's clock may be off, how long one nonce is given out, and the proofs remembered, of one key and of all. */
export const proofBytesMax = 8192;
export const proofSkewS = 300;
export const proofNonceMs = 120_000;
export const proofsSeenPerKeyMax = 40_000;
export const proofsSeenMax = 200_000;
/** Characters of the parameter `claims` that are looked at. */
export const claimsParameterMax = 8192;
/** `ringwall bind`: requests at work at once, bytes of one answer, and how long the stamp may take for it. */
export const bindRequestsMax = 64;
export const bindAnswerBytesMax = 32 * 1024 * 1024;
export const bindAnswerMs = 120_000;
/** Bodies and parameters at the identity provider's own endpoints. */
export const identityBodyBytesMax = 65_536;
export const identityParametersMax = 64;
export const identityBodyWaitMs = 10_000;
