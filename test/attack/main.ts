/** The attack suite (`./ringwall test attack`): what an attacker tries, kept as rows. Ends with `N passed, N failed, N skipped`. */

import { prepareArm } from '#test/attack/arm-ground.ts';
import { rightAttempts } from '#test/attack/arm-rights.ts';
import { bodyAndTextAttempts } from '#test/attack/arm-texts.ts';
import { patienceAttempt, wayInAttempts } from '#test/attack/arm-wire.ts';
import { Field } from '#test/attack/field.ts';
import { localAttempts } from '#test/attack/local.ts';
import { controlAttempts, plainAttempts } from '#test/attack/packets.ts';
import { forgedAttempts } from '#test/attack/forged.ts';
import { guestAttempts } from '#test/attack/guests.ts';
import { bringUpLab, type Lab } from '#test/attack/lab.ts';
import { attack, type Attempt, type Tally } from '#test/attack/row.ts';
import { statefulAttempts } from '#test/attack/stateful.ts';
import { freeStamp, Harness } from '#test/stamp/harness.ts';

const only = process.argv.includes('--only') ? (process.argv[process.argv.indexOf('--only') + 1] ?? '') : '';
const tally: Tally = { passed: 0, failed: 0, skipped: 0 };
/** The suite must end within three minutes. */
const deadline = Date.now() + 170_000;

if (process.getuid?.() !== 0) {
  console.log('skipped: needs root');
  tally.skipped = 1;
} else {
  if (!process.argv.includes('--lab')) await packets();
  await labAttacks();
}
console.log(`${tally.passed} passed, ${tally.failed} failed, ${tally.skipped} skipped`);
process.exit(tally.failed === 0 ? 0 : 1);

async function packets(): Promise<void> {
  const harness = new Harness(freeStamp());
  let field: Field | undefined;
  try {
    await harness.open();
    field = new Field(harness);
    await field.open();
    const attempts = [
      ...controlAttempts(field),
      ...plainAttempts(field),
      ...forgedAttempts(field),
      ...statefulAttempts(field),
      ...controlAttempts(field),
    ];
    await attack(
      attempts.filter(({ name }) => name.includes(only)),
      tally,
      deadline,
    );
  } catch (error) {
    tally.failed += 1;
    console.log(
      `FAIL the packet attacks ran to their end\n     ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
    );
  } finally {
    field?.close();
    await harness.close();
  }
}

function isWanted({ name }: Attempt): boolean {
  return name.includes(only);
}

/** Attacks on a whole stamp: its faces, its guests, its processes. */
async function labAttacks(): Promise<void> {
  let lab: Lab | undefined;
  try {
    lab = await bringUpLab();
    const callers = await prepareArm(lab);
    const attempts = [
      ...wayInAttempts(lab, callers),
      ...bodyAndTextAttempts(lab, callers),
      ...rightAttempts(lab, callers),
      ...guestAttempts(lab),
      ...localAttempts(lab),
      patienceAttempt(lab),
    ];
    await attack(attempts.filter(isWanted), tally, deadline);
  } catch (error) {
    tally.failed += 1;
    console.log(
      `FAIL the attacks on the lab ran to their end\n     ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
    );
  } finally {
    await lab?.down();
  }
}
