/** The background check: quiet where the prover is right, a critical alert where it is not, and no claim that mixes revisions. */

import { strict as assert } from 'node:assert';
import { join } from 'node:path';
import { test } from 'node:test';
import { checkerPortsMax } from '#base/limits.ts';
import { CompileMemo, compileStamp } from '#compile/stamp.ts';
import { listAlerts } from '#engine/alerts/alerts.ts';
import { CheckerRounds } from '#engine/checker/rounds.ts';
import { baselineOf } from '#engine/proof/baseline.ts';
import { estateOf } from '#engine/proof/estate.ts';
import { openAt, scratch as scratchFolder } from '#engine/store/scratch.ts';
import { addNic, addNsg, addPublicIp, addSubnet, addVnet, labStamp, newBuild, viewOf } from '#test/generate/build.ts';

/** A stamp with SSH open to the internet, and what a prover says of it. */
function openStamp(told: readonly { readonly invariant: string; readonly mark: number }[]) {
  const build = newBuild();
  addNsg(build, 'g', [['ssh', 100, 'In', 'Allow', 'Tcp', '*', '*', '22']]);
  addVnet(build, 'a', ['10.0.0.0/16']);
  addSubnet(build, 'a/s', [['10.0.0.0/24'], { nsg: 'g' }]);
  addPublicIp(build, 'p', ['198.18.0.40']);
  addNic(build, 'web', { subnet: 'a/s', addresses: [{ address: '10.0.0.4', publicIp: 'p' }] });
  const view = viewOf(build);
  const programs = compileStamp(view, labStamp, new CompileMemo());
  const estate = estateOf(view, labStamp, new CompileMemo());
  return { programs, estate, invariants: baselineOf(estate), told };
}

function roundsOn(claim: ReturnType<typeof openStamp>, { asked = 7, nics = 1 } = {}) {
  const { folder, remove } = scratchFolder();
  const store = openAt(join(folder, 'stamp.db'));
  const scratch = {
    store,
    remove: () => {
      store.close();
      remove();
    },
  };
  const troubles: string[] = [];
  const evidence = { revision: asked, ...claim };
  const rounds = new CheckerRounds({
    gate: {
      revision: 7,
      standing: () => Promise.resolve({ record: { revision: 7 }, signature: '', programs: claim.programs } as never),
      ask: (question) => question({ evidence: () => Promise.resolve(evidence) } as never),
    },
    nics: () => nics,
    store: scratch.store,
    clock: { now: () => 1000, sleep: () => Promise.resolve() },
    onTrouble: (what) => troubles.push(what),
  });
  return { rounds, scratch, troubles };
}

test('a prover that tells what is broken is left in peace; one that does not raises a critical alert', async () => {
  const honest = roundsOn(openStamp([{ invariant: 'baseline/management-ports', mark: 1 }]));
  for (let round = 0; round < 20; round++) assert.deepEqual(await honest.rounds.round(), []);
  assert.deepEqual(listAlerts(honest.scratch.store), []);
  const silent = roundsOn(openStamp([]));
  for (let round = 0; round < 20; round++) await silent.rounds.round();
  const [alert] = listAlerts(silent.scratch.store);
  assert.deepEqual(
    [alert?.code, alert?.severity, alert?.resource],
    ['ProofDisagrees', 'Critical', 'baseline/management-ports'],
  );
  assert.match(alert?.says ?? '', /198\.18\.0\.40/);
  honest.scratch.remove();
  silent.scratch.remove();
});

test('evidence of another revision than the programs is not judged', async () => {
  const { rounds, scratch, troubles } = roundsOn(openStamp([]), { asked: 8 });
  assert.deepEqual(await rounds.round(), []);
  assert.deepEqual([troubles, listAlerts(scratch.store)], [['checking the prover'], []]);
  scratch.remove();
});

test('the prover of a stamp that is too large is not asked', async () => {
  const large = roundsOn(openStamp([]), { nics: checkerPortsMax + 1 });
  for (let round = 0; round < 20; round++) assert.deepEqual(await large.rounds.round(), []);
  assert.equal(large.rounds.packets, 0);
  assert.deepEqual(large.troubles, []);
  assert.deepEqual(listAlerts(large.scratch.store), []);
  large.scratch.remove();
});
