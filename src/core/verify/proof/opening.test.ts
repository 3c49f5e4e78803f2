/** Just-in-time openings under the proof: one that an invariant forbids is refused with a packet, one inside it is not, its end is no breach. */

import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { deepFreeze } from '#base/json.ts';
import { CompileMemo, compileStamp } from '#compile/stamp.ts';
import type { Opening, Programs } from '#program/program.ts';
import type { Invariant } from '#verify/invariant/invariant.ts';
import { Proof } from '#verify/proof/proof.ts';
import { addNic, addNsg, addPublicIp, addSubnet, addVnet, labStamp, newBuild, viewOf } from '#test/generate/build.ts';
import { testEstate } from '#test/generate/estate.ts';

const shells: Invariant = {
  title: 'no shell from the internet',
  effect: 'deny',
  owner: 'operator',
  exclude: [],
  id: 'shells',
  kind: 'never',
  from: [{ kind: 'internet' }],
  to: [{ kind: 'nics' }],
  services: [{ protocol: 'tcp', ports: [[22, 22]] }],
  exceptFrom: [],
  exceptTo: [],
  // No opening is approved for anybody: what openings may be for is told in the invariant.
  openings: [],
};

const build = newBuild();
addNsg(build, 'g', []);
addVnet(build, 'a', ['10.0.0.0/16']);
addSubnet(build, 'a/s', [['10.0.0.0/24'], { nsg: 'g' }]);
addPublicIp(build, 'p', ['198.18.0.40']);
addNic(build, 'one', { subnet: 'a/s', addresses: [{ address: '10.0.0.4', publicIp: 'p' }] });
addNic(build, 'two', { subnet: 'a/s', addresses: ['10.0.0.5'] });
const view = viewOf(build);
const closed = compileStamp(view, labStamp, new CompileMemo());
const estate = testEstate(view, labStamp);
const ssh: Opening = {
  mark: 1,
  address: '10.0.0.4',
  protocol: 'tcp',
  port: 22,
  source: '203.0.113.9/32',
  until: 0,
  because: 'jit/test',
};

function opened(part: Partial<Opening>): Programs {
  const router = closed['router/v1/h1'];
  assert.equal(router?.kind, 'router');
  return deepFreeze({ ...closed, 'router/v1/h1': { ...router, openings: { a: { ...ssh, ...part } } } } as Programs);
}

// What is other than in the opening that is forbidden, and the packets that show a breach.
const rows: [Partial<Opening>, string[]][] = [
  [{}, ['203.0.113.9 > 198.18.0.40:22']],
  [{ port: 23 }, []],
  [{ protocol: 'udp' }, []],
  [{ source: '10.0.9.0/24' }, []],
  [{ mark: 2 }, []],
  [{ mark: 2, address: '10.0.0.5' }, []],
];

test('an opening is judged as what it makes possible; taking it back never breaks a prohibition', () => {
  for (const [part, wanted] of rows) {
    const proof = new Proof();
    assert.equal(proof.load({ programs: closed, estate, invariants: [shells] }).length, 0);
    const { refused } = proof.propose({ programs: opened(part), estate, invariants: [shells] });
    assert.equal(refused.length, wanted.length, JSON.stringify(part));
    proof.keep();
    const seen = proof.standing().map(({ witness }) => {
      const { source, target, targetPort } = witness?.packet ?? {};
      return `${source} > ${target}:${targetPort}`;
    });
    assert.deepEqual(seen, wanted, JSON.stringify(part));
    assert.equal(proof.propose({ programs: closed, estate, invariants: [shells] }).refused.length, 0);
    proof.keep();
    assert.equal(proof.standing().length, 0);
  }
});
