/** The token theft suite (`./ringwall test theft`): what a thief has, what stops it, and that the audit tells of it. Ends with `N passed, N failed, N skipped`. */

import { closeLoaders } from '#main/boot/process.ts';
import { azThefts } from '#test/theft/az.ts';
import { copiedCertificates } from '#test/theft/certificates.ts';
import { forgedTokens } from '#test/theft/forged.ts';
import { openGround } from '#test/theft/ground.ts';
import { measureRevocation } from '#test/theft/revocation.ts';
import { operatorTokens } from '#test/theft/operator.ts';
import { revokedTokens } from '#test/theft/revoked.ts';
import { copiedSessions } from '#test/theft/sessions.ts';
import { copiedTokens } from '#test/theft/tokens.ts';
import { tryAll, type Tally } from '#test/theft/row.ts';

const tally: Tally = { passed: 0, failed: 0, skipped: 0 };
closeLoaders();
const ground = await openGround();
try {
  const ann = await ground.person('ann');
  const ci = await ground.program('ci');
  const parts = [
    ['Copied access tokens', () => copiedTokens(ground, ann)],
    ["The operator's plane, and tokens of one place at another", () => operatorTokens(ground, ci)],
    ['Sessions: refresh tokens and codes', () => copiedSessions(ground, ann)],
    ['Certificates without their keys', () => copiedCertificates(ground)],
    ['Forged tokens', () => forgedTokens(ground, ann)],
    ['Revoked principals', () => revokedTokens(ground)],
  ] as const;
  for (const [title, thefts] of parts) {
    console.log(`── ${title}`);
    await tryAll(await thefts(), ground, tally);
  }
  console.log('── How long a revoked principal is in');
  await measureRevocation(ground, tally);
  console.log('── Unmodified az');
  await azThefts(ground, tally);
  const plain =
    'A plain token of the tenants’ plane whose plan does not bind it to its network works wherever it is copied to,';
  console.log(`Not stopped: ${plain} until it expires (600 s) or its principal is revoked.`);
} catch (error) {
  tally.failed += 1;
  console.log(
    `FAIL the suite ran to its end\n     ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
  );
} finally {
  await ground.close();
}
console.log(`${tally.passed} passed, ${tally.failed} failed, ${tally.skipped} skipped`);
process.exit(tally.failed === 0 ? 0 : 1);
