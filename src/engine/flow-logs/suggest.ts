/** Least privilege from what was seen: few rules that admit every allowed flow of a group, and provably nothing that it does not admit today. */

import { isObject, type JsonObject } from '#base/json.ts';
import { flowsSuggestedMax, rulesSuggestedMax } from '#base/limits.ts';
import { Refusal } from '#base/wrong.ts';
import { filterKey } from '#compile/sdn/nsg.ts';
import type { FlowFiles } from '#engine/flow-logs/files.ts';
import { type LeastRule, leastRules, ruleOf } from '#engine/flow-logs/least-rules.ts';
import { readTuple, type SeenFlow } from '#engine/flow-logs/record.ts';
import { filterVerdict } from '#program/filter.ts';
import type { Filter, PortRange, Programs, RouterProgram, Rule } from '#program/program.ts';
import { filterSet, ruleSet } from '#verify/filter-set.ts';
import { type PacketSet, PacketSets } from '#verify/packet-sets.ts';

/** A suggested rule in ARM's form. Single members when there is one value, plural ones when there are several. */
type SuggestedRule = {
  readonly name: string;
  readonly properties: {
    readonly priority: number;
    readonly direction: 'Inbound' | 'Outbound';
    readonly access: 'Allow' | 'Deny';
    readonly protocol: string;
    readonly sourceAddressPrefix?: string;
    readonly sourceAddressPrefixes?: readonly string[];
    readonly sourcePortRange: '*';
    readonly destinationAddressPrefix?: string;
    readonly destinationAddressPrefixes?: readonly string[];
    readonly destinationPortRange?: string;
    readonly destinationPortRanges?: readonly string[];
  };
};

/** `flows`: different ones that were seen and are allowed today; `left`: seen as allowed, denied by now, so not admitted. */
export type Suggestion = {
  readonly rules: readonly SuggestedRule[];
  readonly flows: number;
  readonly left: number;
  readonly notLogged: number;
  readonly proof: string;
};

export type SuggestParts = {
  readonly programs: Programs;
  readonly files: Pick<FlowFiles, 'records'>;
  /** Milliseconds since 1970. */
  readonly since: number;
};

/** Suggests rules for the group from its flow log. Refuses (409) when nothing was seen, or when it does not come down to readable rules. */
export function suggestFor(group: string, { programs, files, since }: SuggestParts): Suggestion {
  const { flows, notLogged } = seenFlows(files.records(group.toLowerCase(), since));
  if (flows.length === 0)
    throw new Refusal(
      'FlowsNotSeen',
      `The flow log of ${group} has seen no allowed flow; turn one on and let it run.`,
      {
        status: 409,
        target: 'nsg',
      },
    );
  const store = new PacketSets();
  const both = (['inbound', 'outbound'] as const).map((direction) => {
    const places = placesOf(programs, filterKey(group.toLowerCase(), direction));
    const mine = flows.filter((flow) => flow.direction === direction);
    return suggestDirection(mine, { store, places, direction });
  });
  return {
    rules: both.flatMap(({ rules }) => rules),
    flows: both.reduce((sum, { seen }) => sum + seen, 0),
    left: flows.length - both.reduce((sum, { seen }) => sum + seen, 0),
    notLogged,
    proof: 'Proved: every flow that was seen is admitted, and no packet that today’s rules deny.',
  };
}

/** The different allowed flows of records. */
function seenFlows(records: Iterable<JsonObject>): { flows: SeenFlow[]; notLogged: number } {
  const flows = new Map<string, SeenFlow>();
  let notLogged = 0;
  for (const { properties } of records) {
    if (!isObject(properties)) continue;
    notLogged += Number(properties['flowsNotLogged'] ?? 0);
    for (const text of tuplesOf(properties['flows'])) {
      const flow = readTuple(text);
      if (flow?.access !== 'allow') continue;
      // Senders choose their ports freely: they say nothing of the service.
      const one = { ...flow, sourcePort: 0 };
      flows.set(JSON.stringify(one), one);
      if (flows.size > flowsSuggestedMax) throw tooMany(`more than ${flowsSuggestedMax} different flows`);
    }
  }
  return { flows: [...flows.values()], notLogged };
}

function tuplesOf(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (Array.isArray(value)) return value.flatMap(tuplesOf);
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, held]) =>
    ['flows', 'flowTuples'].includes(name) ? tuplesOf(held) : [],
  );
}

type Place = {
  readonly filter: Filter;
  readonly program: RouterProgram;
  readonly addresses: ReadonlySet<string> | 'any';
};

/** The routers that judge by the filter, and the addresses that it judges there; any, where a NIC forwards for others. */
function placesOf(programs: Programs, key: string): Place[] {
  return Object.values(programs).flatMap((program) => {
    if (program.kind !== 'router') return [];
    const filter = Object.hasOwn(program.filters, key) ? program.filters[key] : undefined;
    if (filter === undefined) return [];
    const ports = Object.values(program.ports).filter((port) => [...port.inbound, ...port.outbound].includes(key));
    const isOpen = ports.some(({ forwarding }) => forwarding);
    const addresses = isOpen ? ('any' as const) : new Set(ports.flatMap((port) => Object.keys(port.addresses)));
    return [{ filter, program, addresses }];
  });
}

type Ground = {
  readonly store: PacketSets;
  readonly places: readonly Place[];
  readonly direction: SeenFlow['direction'];
};

function suggestDirection(flows: readonly SeenFlow[], ground: Ground): { rules: SuggestedRule[]; seen: number } {
  const { store, places, direction } = ground;
  const local = direction === 'inbound' ? 'target' : 'source';
  const today = places.map(({ filter, program: { sets }, addresses }) => ({
    allowed: filterSet(store, { filter, sets, local }),
    mine: addresses === 'any' ? undefined : ruleSet(store, { rule: localRule(addresses, direction), sets: {}, local }),
  }));
  const isWithin = (set: PacketSet): boolean =>
    today.every(({ allowed, mine }) =>
      store.isEmpty(store.difference(mine === undefined ? set : store.intersection(set, mine), allowed)),
    );
  const seen = flows.filter((flow) => places.some((place) => isAllowedAt(place, flow)));
  const rules = leastRules(seen, (rule) =>
    isWithin(ruleSet(store, { rule: ruleOf(rule, direction), sets: {}, local })),
  );
  if (rules.length > rulesSuggestedMax) throw tooMany(`${rules.length} rules for ${seen.length} different flows`);
  const filter = filterOf(rules, direction);
  const missed = seen.find((flow) => filterVerdict(filter, {}, flow).verdict !== 'allow');
  if (missed !== undefined || !isWithin(filterSet(store, { filter, sets: {}, local })))
    throw new Refusal(
      'SuggestionNotProved',
      'The group stands in networks that admit different things; log one network at a time.',
      {
        status: 409,
        target: 'nsg',
      },
    );
  return { rules: shownRules(rules, direction), seen: seen.length };
}

function isAllowedAt({ filter, program, addresses }: Place, flow: SeenFlow): boolean {
  const own = flow.direction === 'inbound' ? flow.target : flow.source;
  if (addresses !== 'any' && !addresses.has(own)) return false;
  return filterVerdict(filter, program.sets, flow).verdict === 'allow';
}

function localRule(addresses: ReadonlySet<string>, direction: SeenFlow['direction']): Rule {
  const prefixes = [...addresses].map((address) => `${address}/${address.includes(':') ? 128 : 32}`);
  const own = { prefixes, sets: [] };
  const ends =
    direction === 'inbound' ? ({ source: 'any', target: own } as const) : ({ source: own, target: 'any' } as const);
  return { access: 'allow', protocol: 'any', ...ends, sourcePorts: [], targetPorts: [], because: 'own addresses' };
}

function filterOf(rules: readonly LeastRule[], direction: SeenFlow['direction']): Filter {
  const named = rules.map((rule, index) => [`${priorityAt(index)}/suggestion`, ruleOf(rule, direction)] as const);
  return { rules: Object.fromEntries(named) };
}

function priorityAt(index: number): string {
  return String(100 + index * 10).padStart(4, '0');
}

function shownRules(rules: readonly LeastRule[], direction: SeenFlow['direction']): SuggestedRule[] {
  const [side, word] = direction === 'inbound' ? (['Inbound', 'in'] as const) : (['Outbound', 'out'] as const);
  const shown = rules.map((rule, index): SuggestedRule => {
    const { source, target } = ruleOf(rule, direction);
    return {
      name: `seen-${word}-${index + 1}`,
      properties: {
        priority: Number(priorityAt(index)),
        direction: side,
        access: 'Allow',
        protocol: `${rule.protocol.slice(0, 1).toUpperCase()}${rule.protocol.slice(1)}`,
        ...oneOrMany('sourceAddressPrefix', source === 'any' ? [] : source.prefixes),
        sourcePortRange: '*',
        ...oneOrMany('destinationAddressPrefix', target === 'any' ? [] : target.prefixes),
        ...portsShown(rule.ports),
      },
    };
  });
  const rest = { priority: 4096, direction: side, access: 'Deny', protocol: '*', sourcePortRange: '*' } as const;
  const all = { sourceAddressPrefix: '*', destinationAddressPrefix: '*', destinationPortRange: '*' };
  return [...shown, { name: `unseen-${word}`, properties: { ...rest, ...all } }];
}

function portsShown(ports: readonly PortRange[]): JsonObject {
  return oneOrMany(
    'destinationPortRange',
    ports.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`)),
  );
}

function oneOrMany(name: string, values: readonly string[]): JsonObject {
  const [first = '*'] = values;
  if (values.length <= 1) return { [name]: first };
  return { [name.endsWith('Prefix') ? `${name}es` : `${name}s`]: values };
}

function tooMany(what: string): Refusal {
  const says = `The flow log shows ${what}: that does not come down to rules anyone reads. Look at fewer days.`;
  return new Refusal('SuggestionTooLarge', says, { status: 409, target: 'days' });
}
