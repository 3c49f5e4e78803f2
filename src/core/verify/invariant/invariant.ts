/** What must hold for every packet: the kinds of invariants, as frozen data that a signed record can name. */

import type { PortRange, Protocol } from '#program/program.ts';

/** Every kind is proved by one file of its name, which opens with its "iff" sentence. */
export type Invariant = Never | Only | Via | Isolated | Always | Exposure | Unchanged | Structural | Lockout;

/** What must hold of the stamp as a whole: its files say when. */
export type Structural = About & { readonly kind: 'tenants' | 'infrastructure' | 'spoofing' | 'loops' | 'return' };

/** Iff the operator reaches every one of the endpoints over the operator's own link. */
export type Lockout = About & { readonly kind: 'lockout'; readonly endpoints: readonly PublishedEndpoint[] };

/** What an invariant says of itself. */
export type About = {
  /** Stable: `baseline/management-ports`, or the ARM id of the assignment it comes from (lower case). */
  readonly id: string;
  /** One line for people. */
  readonly title: string;
  /** `deny` refuses a write that newly breaks it, `audit` lets it pass and tells. */
  readonly effect: 'deny' | 'audit';
  /** Who demands it: what the operator signed cannot be loosened by anybody else. */
  readonly owner: 'baseline' | 'operator' | 'tenant';
  /** The scope that it protects: only NICs of these ARM ids (or under them) are judged; absent: the whole stamp. */
  readonly scope?: string;
  /** NICs that are not judged: ARM ids of scopes (`notScopes`, exemptions). */
  readonly exclude: readonly string[];
};

/** Which parties an invariant speaks of. `scope`: NICs of the ARM ids, or under them: subscription, group, network, subnet, machine, NIC, application security group. */
export type Parties =
  | { readonly kind: 'internet' }
  | { readonly kind: 'operator' }
  /** Health probes of the platform (Azure: AzureLoadBalancer). */
  | { readonly kind: 'probe' }
  /** Every NIC of the stamp. */
  | { readonly kind: 'nics' }
  | { readonly kind: 'scope'; readonly ids: readonly string[] }
  /** Hosts beyond the boundary with these addresses. */
  | { readonly kind: 'addresses'; readonly prefixes: readonly string[] };

/** Ports are those at the target after translation (decision D2.4). No ports: all. `any` without ports: every protocol. */
export type Service = { readonly protocol: Protocol; readonly ports: readonly PortRange[] };

/** Iff no packet of one of the services comes from one of `from` to one of `to`; `exceptFrom` and `exceptTo` are not counted. */
export type Never = About & {
  readonly kind: 'never';
  readonly from: readonly Parties[];
  readonly to: readonly Parties[];
  readonly services: readonly Service[];
  readonly exceptFrom: readonly Parties[];
  readonly exceptTo: readonly Parties[];
  /** Sources that approved just-in-time openings may be for; absent: whichever they name. What they alone let in is not counted. */
  readonly openings?: readonly string[];
};

/** Iff whatever reaches `to` comes from one of `from` on one of the services. */
export type Only = About & {
  readonly kind: 'only';
  readonly from: readonly Parties[];
  readonly to: readonly Parties[];
  readonly services: readonly Service[];
};

/** Iff what NICs of `from` send to `to` goes through a NIC of `through` first, on every way out (decision D2.4), in both families. */
export type Via = About & {
  readonly kind: 'via';
  readonly from: readonly Parties[];
  readonly to: readonly Parties[];
  readonly through: readonly Parties[];
};

/** Iff no packet passes between NICs of `inside` and any other party, but for `except`. */
export type Isolated = About & {
  readonly kind: 'isolated';
  readonly inside: readonly Parties[];
  readonly except: readonly Parties[];
};

/** Iff each of `from` can reach each of `to` on all of the services. */
export type Always = About & {
  readonly kind: 'always';
  readonly from: readonly Parties[];
  readonly to: readonly Parties[];
  readonly services: readonly Service[];
};

/** Iff at most `max` NICs of `of` can be reached from the internet. */
export type Exposure = About & { readonly kind: 'exposure'; readonly of: readonly Parties[]; readonly max: number };

/** Iff a write makes possible, within its scope, nothing that is not declared. It has no standing violations: it judges changes. */
export type Unchanged = About & {
  readonly kind: 'unchanged';
  readonly declared: readonly {
    readonly from: readonly Parties[];
    readonly to: readonly Parties[];
    readonly services: readonly Service[];
  }[];
};

/** An endpoint of the stamp that must stay open to the operator, and that alone is open. */
export type PublishedEndpoint = {
  readonly name: string;
  readonly address: string;
  readonly target: string;
  readonly port: number;
  readonly protocol: 'tcp' | 'udp';
  readonly sources: readonly string[];
};
