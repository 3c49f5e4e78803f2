/** PUT of a security rule over HTTPS until it is proved, durable and in the kernel, by size of the group and of the stamp. */

import type { JsonObject } from '#base/json.ts';
import { Fault } from '#base/wrong.ts';
import { run } from '#adapters/linux/ip.ts';
import { namespacesWith } from '#adapters/linux/netns.ts';
import { medianOf, rounded, spreadOf } from '#bench/figures.ts';
import { Furniture, ruleBody } from '#bench/furniture.ts';
import { modelNics } from '#bench/modelled.ts';
import { openLimits, type Limits } from '#bench/limits.ts';
import { type OwnStamp, withOwnStamp } from '#bench/own-stamp.ts';
import { progress } from '#bench/progress.ts';
import { inParallel } from '#bench/parallel.ts';
import { RulePeers } from '#bench/rule-peers.ts';

const sizes = [10, 200, 1000] as const;
const nicsPerMachine = 8;
const machineSize = 'Standard_D4_v2';
const nicsLarge = 1000;
const vnets = 5;
const parallel = 8;
const blocks = 15;
const perBlock = 10;
const limitsPerBlock = 5;
/** The peers are slow: they have a turn after every third block. */
const blocksPerPeers = 3;
/** Ports that no standing rule has: each is used once, so that the kernel's list tells which rule stands. */
const portFirst = 10_000;
const portsMax = 50_000;
/** The new rule goes into the middle of the group's priorities. */
const newPriority = 4000;

/** The sizes of the stamp after the small one: with NICs of machines elsewhere in the model, or with guests that run. */
type Kind = 'modelled' | 'small' | 'running';

/** `npm run bench -- rule`: with 10,000 NICs more in the model and its proofs. */
export async function benchRule(): Promise<JsonObject> {
  return await benchSizes('modelled');
}

/** `npm run bench -- rule-small`: 24 NICs and no more. */
export async function benchRuleSmall(): Promise<JsonObject> {
  return await benchSizes('small');
}

/** `npm run bench -- rule-running`: with 1,000 NICs of running guests, which take minutes to make. */
export async function benchRuleRunning(): Promise<JsonObject> {
  return await benchSizes('running');
}

async function benchSizes(kind: Kind): Promise<JsonObject> {
  return await withOwnStamp(async (stamp) => await measure(stamp, kind), { settings: 'remoteHosts: 1\n' });
}

async function measure(stamp: OwnStamp, kind: Kind): Promise<JsonObject> {
  const furniture = new Furniture(stamp, 'bench');
  await makeSmall(furniture);
  const small = sizes.length * nicsPerMachine;
  const first = await measureBeside(furniture, small);
  const nics =
    kind === 'running' ? await makeLarge(furniture) : kind === 'modelled' ? small + (await modelNics(stamp)) : 0;
  const second = nics === 0 ? { rows: [], samples: [], peers: {} } : await measureBeside(furniture, nics);
  const samples = [...first.samples, ...second.samples];
  const rows = [...first.rows, ...second.rows];
  const median = (name: keyof LimitSamples): number => rounded(medianOf(samples.flatMap((one) => [...one[name]])));
  const found = { nft_process_ms: median('nft'), https_post_ms: median('https'), store_append_ms: median('append') };
  return { rows, limits: found, peers: second.peers, ratio: ratios(rows, found), what: whatOf(kind) };
}

type LimitSamples = Limits['samples'];

/** Measures all sizes of group beside the limits; their namespace goes with the stamp, so each time has its own. */
async function measureBeside(
  furniture: Furniture,
  nics: number,
): Promise<{ readonly rows: readonly Row[]; readonly samples: readonly LimitSamples[]; readonly peers: JsonObject }> {
  const body = JSON.stringify({ properties: ruleBody({ priority: newPriority, port: 20_000 }) });
  const limits = await openLimits({ namespace: `rw${furniture.stamp.number}-limit`, body });
  const peers = nics > sizes.length * nicsPerMachine ? await RulePeers.open(furniture.stamp.number) : undefined;
  try {
    const rows = await measureSizes(furniture, { limits, peers }, nics);
    const ours = (rules: number): number | undefined => rows.find((row) => row.rules === rules)?.p50_ms;
    return { rows, samples: [limits.samples], peers: peers?.figures(ours) ?? {} };
  } finally {
    await peers?.close();
    await limits.close();
  }
}

function whatOf(kind: Kind): string {
  const small = `Three guests with ${nicsPerMachine} NICs each run; each group is on a subnet of one VNet. Every write is proved against the baseline.`;
  if (kind === 'small') return small;
  return kind === 'running'
    ? `${small} Then all NICs have ports in the kernel and belong to guests that run, in ${vnets} VNets on 2 hosts.`
    : `${small} Then 10,000 NICs more in 100 VNets with 1,100 NSGs of 20 rules are in the model, the programs and the proofs; the kernel of this machine does not carry them.`;
}

type Row = JsonObject & {
  readonly rules: number;
  readonly nics: number;
  readonly p50_ms: number;
  readonly change_p50_ms: number;
};
type Found = { readonly nft_process_ms: number; readonly https_post_ms: number; readonly store_append_ms: number };

function ratios(rows: readonly Row[], found: Found): JsonObject {
  const p50 = (index: number) => rows[index]?.p50_ms ?? 0;
  return {
    rules_1000_over_10: rounded(p50(2) / p50(0)),
    ...(rows.length > sizes.length ? { rules_1000_over_10_large: rounded(p50(5) / p50(3)) } : {}),
    over_https_and_append: rounded(p50(0) / (found.https_post_ms + found.store_append_ms)),
    over_nft_process: rounded(p50(0) / found.nft_process_ms),
  };
}

/** One group per size (the rule that is measured is its last), each on its own subnet of the first VNet, with one machine. */
async function makeSmall(furniture: Furniture): Promise<void> {
  progress('Making groups of 10, 200 and 1,000 rules, and three guests.');
  await furniture.makeGroup();
  for (const rules of sizes) {
    const list = Array.from({ length: rules - 1 }, (_, index) => ({
      name: `r${index}`,
      properties: ruleBody({ priority: 100 + index, port: 1000 + index, prefix: `203.0.113.${index % 256}` }),
    }));
    await furniture.makeGroupOfRules(`group${rules}`, list);
  }
  for (let vnet = 0; vnet < vnets; vnet++) {
    const subnets = sizes.map((rules, index) => ({
      name: `s${rules}`,
      properties: {
        addressPrefix: `10.${vnet}.${index * 16}.0/20`,
        ...(vnet === 0 ? { networkSecurityGroup: { id: furniture.id(`networkSecurityGroups/group${rules}`) } } : {}),
      },
    }));
    await furniture.makeVnet(`vnet${vnet}`, `10.${vnet}.0.0/16`, subnets);
  }
  await inParallel(sizes, parallel, (_, index) => makeMachine(furniture, index));
}

/** Fills the stamp up to 1,000 NICs; answers how many there are. */
async function makeLarge(furniture: Furniture): Promise<number> {
  const machines = nicsLarge / nicsPerMachine;
  progress(`Making ${machines} guests with ${nicsPerMachine} NICs each.`);
  const rest = Array.from({ length: machines - sizes.length }, (_, index) => index + sizes.length);
  let made = 0;
  await inParallel(rest, parallel, async (index) => {
    await makeMachine(furniture, index);
    made += 1;
    if (made % 20 === 0) progress(`${made + sizes.length} guests run.`);
  });
  return machines * nicsPerMachine;
}

async function makeMachine(furniture: Furniture, index: number): Promise<void> {
  const vnet = index < sizes.length ? 0 : index % vnets;
  const subnet = `vnet${vnet}/subnets/s${sizes[index % sizes.length]}`;
  const nics = Array.from({ length: nicsPerMachine }, (_, nic) => `m${index}n${nic}`);
  for (const nic of nics) await furniture.makeNic(nic, { subnet });
  await furniture.makeMachine(`m${index}`, nics, machineSize);
}

type Samples = { readonly added: number[]; readonly changed: number[]; checks: number };

type Beside = { readonly limits: Limits; readonly peers: RulePeers | undefined };

/** All sizes in turns, so that what else the machine does falls on all alike. */
async function measureSizes(furniture: Furniture, { limits, peers }: Beside, nics: number): Promise<Row[]> {
  progress(`Measuring with ${nics} NICs.`);
  const samples = new Map<number, Samples>(sizes.map((rules) => [rules, { added: [], changed: [], checks: 0 }]));
  for (const rules of sizes) await measureBlock(furniture, rules, { added: [], changed: [], checks: 0 });
  for (let block = 0; block < blocks; block++) {
    for (const [rules, own] of samples) await measureBlock(furniture, rules, own);
    await limits.sample(limitsPerBlock);
    if (block % blocksPerPeers === 0) await peers?.sample(sizes);
  }
  await peers?.sampleMany();
  return [...samples].map(([rules, { added, changed, checks }]) => {
    const [one, other] = [spreadOf(added), spreadOf(changed)];
    return {
      rules,
      nics,
      p50_ms: one.p50_ms,
      p99_ms: one.p99_ms,
      change_p50_ms: other.p50_ms,
      change_p99_ms: other.p99_ms,
      samples: added.length,
      kernel_checks: checks,
    };
  });
}

let nextPort = 0;

/** A rule is added (timed), changed (timed), looked up in the kernel once a block, and removed again, so that the size holds. */
async function measureBlock({ stamp, group }: Furniture, rules: number, samples: Samples): Promise<void> {
  const path = `${group}/providers/Microsoft.Network/networkSecurityGroups/group${rules}/securityRules/measured?api-version=2018-11-01`;
  for (let turn = 0; turn < perBlock; turn++) {
    const [first, second] = [await put(stamp, path), await put(stamp, path)];
    samples.added.push(first.took);
    samples.changed.push(second.took);
    if (turn === 0) samples.checks += await checkKernel(stamp.number, { present: second.port, absent: first.port });
    await stamp.arm.send('DELETE', path);
  }
}

/** From the request's first byte to the answer `Succeeded`, which the stamp gives when the kernel has confirmed the rule. */
async function put(stamp: OwnStamp, path: string): Promise<{ readonly port: number; readonly took: number }> {
  const port = portFirst + (nextPort++ % portsMax);
  const body = { properties: ruleBody({ priority: newPriority, port }) };
  const start = performance.now();
  const { status, body: answer } = await stamp.arm.once('PUT', path, body);
  const took = performance.now() - start;
  const state = (answer as { properties?: { provisioningState?: string } } | null)?.properties?.provisioningState;
  if (!(status === 200 || status === 201) || state !== 'Succeeded')
    throw new Fault('NotEnforced', `The PUT was answered with ${status} ${state}.`);
  return { port, took };
}

/** The rule is in every router that has the group, and what it replaced is in none; asked of the kernel by an `nft` of its own. */
async function checkKernel(
  number: number,
  { present, absent }: { readonly present: number; readonly absent: number },
): Promise<number> {
  const routers = namespacesWith(`rw${number}-v1h`);
  const lists = await Promise.all(
    routers.map((name) => run(['ip', 'netns', 'exec', name, 'nft', 'list', 'ruleset'], '')),
  );
  const having = lists.filter((list) => list.includes(`tcp dport ${present} `)).length;
  const stale = lists.filter((list) => list.includes(`tcp dport ${absent} `)).length;
  if (having === 0 || stale > 0)
    throw new Fault('NotInKernel', `After the answer, ${having} routers had the rule and ${stale} still the old one.`);
  return 1;
}
