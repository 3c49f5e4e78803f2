/** The desk: a write that breaks a demand leaves nothing behind, and demands that time alone changed refuse the very next write. */

import { strict as assert } from 'node:assert';
import { generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import { modelResourcesMax } from '#base/limits.ts';
import { ProofDesk } from '#engine/gate/proof-desk.ts';
import { baselineDemands } from '#engine/proof/baseline.ts';
import { demandsOf } from '#engine/proof/invariants.ts';
import type { Edit, Resource } from '#model/resource.ts';
import {
  addNic,
  addNsg,
  addPublicIp,
  addRule,
  addSubnet,
  addVnet,
  idOf,
  labStamp,
  newBuild,
  type RuleRow,
  viewOf,
} from '#test/generate/build.ts';

const { privateKey } = generateKeyPairSync('ed25519');
const open: RuleRow = ['ssh', 100, 'In', 'Allow', 'Tcp', '*', '*', '22'];
const web: RuleRow = ['web', 110, 'In', 'Allow', 'Tcp', '*', '*', '443'];

function resources(): readonly Resource[] {
  const build = newBuild();
  addNsg(build, 'g', []);
  addVnet(build, 'a', ['10.0.0.0/16']);
  addSubnet(build, 'a/s', [['10.0.0.0/24'], { nsg: 'g' }]);
  addPublicIp(build, 'p', ['198.18.0.40']);
  addNic(build, 'one', { subnet: 'a/s', addresses: [{ address: '10.0.0.4', publicIp: 'p' }] });
  return [...viewOf(build).all()];
}

function put(row: RuleRow): readonly Edit[] {
  const after = addRule(newBuild(), 'g', row);
  return [{ id: after.id, after }];
}

test('a model that cannot be compiled is not signed for, whatever was loaded before', async () => {
  const broken = put(web).map(({ after }) => ({ ...after, properties: {} }) as Resource);
  const desk = new ProofDesk(labStamp, privateKey);
  for (const before of [[], resources()]) {
    if (before.length > 0) await desk.load(7, before);
    await assert.rejects(desk.load(8, [...resources(), ...broken]));
    await assert.rejects(desk.current(), { code: 'ProverEmpty' });
    await assert.rejects(desk.propose(9, put(web)), { code: 'ProverBehind' });
  }
  assert.equal((await desk.load(8, resources())).record.revision, 8);
});

test('[S1.14] a write that opens SSH is refused with a packet, what stood stands, and the next one is judged on it', async () => {
  const desk = new ProofDesk(labStamp, privateKey);
  const { record } = await desk.load(1, resources());
  const refused = await desk.propose(2, put(open));
  assert.equal(refused.verdict, 'refused');
  const [breach] = refused.verdict === 'refused' ? refused.refused : [];
  assert.match(breach?.says ?? '', /198\.18\.0\.40:22/);
  assert.equal(breach?.path.at(-1)?.verdict, 'allow');
  assert.ok(breach?.path.some(({ rule, resource }) => rule === 'ssh' && resource?.endsWith('/g')));
  assert.equal((await desk.current()).record.root, record.root);
  const proved = await desk.propose(2, put(web));
  assert.equal(proved.verdict, 'proved');
  assert.deepEqual(
    (await desk.judged(2)).blast.gained.map(({ from, services }) => [from.name, ...services]),
    [['internet', 'tcp/443']],
  );
  await desk.settle(2, false);
  await assert.rejects(desk.judged(2), { code: 'ProverBehind' });
  assert.equal((await desk.current()).record.root, record.root);
});

test('a plan is judged and leaves nothing', async () => {
  const desk = new ProofDesk(labStamp, privateKey);
  const { record } = await desk.load(1, resources());
  const { refused } = await desk.plan(put(open));
  assert.equal(refused.length, 1);
  assert.deepEqual((await desk.plan(put(web))).refused, []);
  assert.deepEqual((await desk.current()).record, record);
});

test('demands that came by time alone hold for the very next write; what stood broken then refuses nothing', async () => {
  let isStrict = false;
  const strict = baselineDemands();
  const loose = baselineDemands({ managementEffect: 'audit' });
  const desk = new ProofDesk(
    labStamp,
    privateKey,
    demandsOf((world) => (isStrict ? strict(world) : loose(world))),
  );
  await desk.load(1, resources());
  isStrict = true;
  assert.equal((await desk.propose(2, put(open))).verdict, 'refused');
  isStrict = false;
  assert.equal((await desk.propose(2, put(open))).verdict, 'proved');
  isStrict = true;
  // It stands now: a finding, and no reason to refuse what leaves it as it is.
  assert.equal((await desk.propose(3, put(web))).verdict, 'proved');
  assert.equal((await desk.findings()).told.length, 1);
});

test('policy states are those of what is demanded now, also when time alone changed it, and of what was proposed once it stands', async () => {
  let isStrict = true;
  const strict = baselineDemands();
  const desk = new ProofDesk(
    labStamp,
    privateKey,
    demandsOf((world) => (isStrict ? strict(world) : [])),
  );
  await desk.load(1, resources());
  const nic = idOf('networkInterfaces/one');
  const broken = async (): Promise<readonly string[]> => {
    const { invariants, nics } = await desk.compliance(nic);
    return nics.flatMap((row) => row.broken.map((index) => invariants[index]?.id ?? ''));
  };
  assert.deepEqual(await broken(), []);
  isStrict = false;
  assert.deepEqual((await desk.compliance(nic)).nics, []);
  assert.equal((await desk.propose(2, put(open))).verdict, 'proved');
  isStrict = true;
  assert.deepEqual(await broken(), ['baseline/management-ports']);
});

test('a model that comes in parts is what it would be whole; parts that are missing are named, and the next model begins anew', async () => {
  const desk = new ProofDesk(labStamp, privateKey);
  const all = (): Resource[] => JSON.parse(JSON.stringify(resources())) as Resource[];
  const whole = await new ProofDesk(labStamp, privateKey).load(1, all());
  await assert.rejects(desk.part(1, all()), { code: 'ModelPartMissing' });
  await desk.part(0, all().slice(0, 2));
  await assert.rejects(desk.loadParts(1, 2), { code: 'ModelPartMissing' });
  await desk.part(0, all().slice(0, 1));
  await desk.part(0, all().slice(0, 3));
  await desk.part(1, all().slice(3));
  assert.equal((await desk.loadParts(1, 2)).record.root, whole.record.root);
  await assert.rejects(desk.loadParts(2, 2), { code: 'ModelPartMissing' });
  // Nothing can be sent for ever: a part has resources, and all together are bounded.
  await assert.rejects(desk.part(0, []), { code: 'ModelTooLarge' });
  const many = Array<Resource>(modelResourcesMax).fill(Object.freeze({}) as unknown as Resource);
  await desk.part(0, many);
  await assert.rejects(desk.part(1, many.slice(0, 1)), { code: 'ModelTooLarge' });
  await assert.rejects(desk.loadParts(2, 1), { code: 'ModelPartMissing' });
});
