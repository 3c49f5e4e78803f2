/** Budgets read back: what was rendered is what the programs say, and each planted fault is told. */

import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { listingOf } from '#test/generate/listing.ts';
import type { Wanted } from '#adapters/linux/apply.ts';
import { unlikeBudgets } from '#adapters/linux/lift-budget.ts';
import { readRuleset } from '#adapters/linux/read.ts';
import { renderPoint } from '#adapters/linux/render.ts';
import { budgetedStamp } from '#test/generate/budgeted.ts';
import { changing, changingAll, gaining, losing, type Place, type Spoil, spoiled } from '#test/generate/fault.ts';

const programs = budgetedStamp();

function toldOf(point: string, wanted: Wanted | undefined): readonly string[] {
  const program = programs[point];
  const table = wanted === undefined ? undefined : listingOf(wanted).ruleset.get('inet');
  assert.ok(program !== undefined && table !== undefined);
  return unlikeBudgets(point, program, table).map(({ says }) => says);
}

const rendered = (point: string) => renderPoint(programs, point, 0);

test('what is rendered is read back as the same budgets', () => {
  for (const point of ['router/v1/h1', 'edge']) assert.deepEqual(toldOf(point, rendered(point)), [], point);
});

const router = 'router/v1/h1';
const faults: readonly [what: string, point: string, place: Place, spoil: Spoil, says: RegExp][] = [
  ['a higher rate of new flows', router, { chain: /^spend_1$/ }, changingAll(/500/g, '900'), /^n1: .*newPerSecond/],
  [
    'a burst beyond the rate',
    router,
    { chain: /^spend_1$/ },
    changing(/burst 500/, 'burst 5000'),
    /^n1: .*newPerSecond/,
  ],
  ['no limit of targets', router, { chain: /^spend_1$/ }, losing(/over_targets/), /^n1: .*targets/],
  ['targets that are never remembered', router, { chain: /^spend_1$/ }, losing(/^add @seen4/), /^n1: .*targets/],
  ['mail that goes free', router, { chain: /^mail_1$/ }, losing(/over_mail/), /^n1: .*mail/],
  ['another port of mail', router, { set: /^mail$/ }, losing(/^465$/), /^n1: .*mail/],
  ['packets that are not counted', router, { set: /^pace$/ }, losing(/n1/), /^n1: .*packets/],
  ['forged packets that are not counted', router, { chain: /^forged_1$/ }, losing(/limit/), /^n1: /],
  ['a port without its chain', router, { set: /^spend$/ }, losing(/n1/), /^n1: /],
  [
    'what goes over passes',
    router,
    { chain: /^over_new$/ },
    changing(/counter drop/, 'counter accept'),
    /"new" is not dropped/,
  ],
  ['filters before budgets', router, { chain: /^mangle$/ }, losing(/@spend/), /before they are judged/],
  ['nothing counts packets', router, { chain: /^mangle$/ }, losing(/@pace/), /not counted first/],
  [
    'a port that is not set apart',
    router,
    { set: /^pace$/ },
    changing(/goto apart/, 'jump pace_1'),
    /^n2: it is not set apart/,
  ],
  ['one that is still reached', router, { set: /^apart$/ }, losing(/n2/), /^n2: it is not set apart/],
  ['and passed before anything', router, { chain: /^forward$/ }, losing(/@apart/), /dropped first/],
  ['a way out of quarantine', router, { chain: /^apart$/ }, gaining('tcp dport 443 accept'), /what quarantine is/],
  [
    'a network that holds more',
    router,
    { chain: /^hold$/ },
    changing(/over \d+/, 'over 4000'),
    /^The network: 400000 /,
  ],
  ['a network that is not counted', router, { chain: /^mangle$/ }, losing(/jump hold/), /holds is not counted/],
  ['more connections', 'edge', { chain: /^share_/ }, changing(/over 500/, 'over 600'), /connections and/],
  ['connections that are not limited', 'edge', { chain: /^share_/ }, losing(/@states/), /not limited/],
  ['another rate', 'edge', { chain: /^share_/ }, changingAll(/2000/g, '3000'), /3000 new ones/],
  [
    'more bytes',
    'edge',
    { chain: /^out_/ },
    changing(/over \d+ bytes/, 'over 9 mbytes'),
    /carries out is limited otherwise/,
  ],
  ['more packets', 'edge', { chain: /^in_/ }, losing(/packets/), /carries in is limited otherwise/],
  ['what is carried is not counted', 'edge', { chain: /^forward$/ }, losing(/@takers6/), /not counted first/],
  ['a label of nobody', 'edge', { set: /^sharers4$/ }, losing(/./), /are not counted as those of/],
  [
    'flows that are not asked for',
    'edge',
    { chain: /^forward$/ },
    losing(/ip saddr vmap @sharers/),
    /not counted before/,
  ],
];
for (const [what, point, place, spoil, says] of faults)
  test(`told: ${what}`, () => {
    const wanted = rendered(point);
    const other = wanted === undefined ? undefined : spoiled(wanted, place, spoil);
    assert.ok(other !== undefined, 'there is something to spoil');
    assert.match(toldOf(point, other).join('\n'), says);
  });

test('what packets put into a set is the kernel’s affair, what somebody put there for longer is not', () => {
  const text = [
    'table inet rw {',
    '\tset seen4 {',
    '\t\ttype ifname . ipv4_addr . inet_proto . inet_service',
    '\t\tsize 65536',
    '\t\tflags dynamic,timeout',
    '\t\ttimeout 1m',
    '\t\telements = { "n1" . 10.0.0.4 . tcp . 80 expires 3s, "n1" . 10.0.0.5 . tcp . 80 timeout 1d expires 3h }',
    '\t}',
    '}',
    '',
  ].join('\n');
  const set = readRuleset(text).ruleset.get('inet')?.sets.get('seen4');
  assert.equal(set?.elements.size, 1);
  assert.match([...(set?.elements ?? [])].join(), /^"n1" \. 10\.0\.0\.5/);
});
