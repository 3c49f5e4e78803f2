/** What a proof costs, counted and not timed: the same on every machine, so that what makes it dearer is seen before it is slow. */

import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { ProofModel } from '#bench/proof-model.ts';
import { Proof } from '#verify/proof/proof.ts';

/** Like the large stamp, with fewer networks. */
const size = { vnets: 4, subnetsPerVnet: 3, nicsPerSubnet: 4, rulesPerGroup: 20, bareOfTen: 1 };
const changes = 40;

/** Counted when this was written; the endpoint of Graph added four nodes and 27 of labels. A change that makes one smaller lowers it here; one that makes it larger says why it is worth it. */
const most = { nodes: 2109, labelNodes: 3926, stepsOfChanges: 1175, storeBytes: 458_760 };

test('a proof takes no more rows and steps than it did', () => {
  const model = new ProofModel(size);
  const proof = new Proof();
  proof.load(model.world());
  const { nodes, labelNodes } = proof.counters();
  let stepsOfChanges = 0;
  for (let index = 0; index < changes; index++) {
    assert.equal(proof.propose(model.changed(index, 1)).refused.length, 0);
    stepsOfChanges += proof.counters().steps;
    proof.keep();
  }
  const seen = { nodes, labelNodes, stepsOfChanges, storeBytes: proof.storeBytes };
  for (const [name, count] of Object.entries(seen)) {
    const limit = most[name as keyof typeof seen];
    assert.ok(count <= limit, `${name}: ${count}, at most ${limit} is wanted`);
    assert.ok(count >= limit * 0.9, `${name}: ${count} is less than before: write it down here`);
  }
});
