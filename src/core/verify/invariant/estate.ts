/** What the prover is told about NICs and networks besides the programs: whose they are, and what the owners of networks agreed on. */

import type { PublishedEndpoint } from '#verify/invariant/invariant.ts';

/**
 * Taken from the resources alone, never from the compiler, so that a compiler that mixes tenants up contradicts it. Objects are
 * frozen and shared between revisions by identity.
 */
export type Estate = {
  /** Keyed by NIC mark (decimal). */
  readonly nics: { readonly [mark: string]: NicEstate };
  /** Keyed by VNet key (`v12`). */
  readonly vnets: { readonly [key: string]: VnetEstate };
  /** Endpoints that the stamp publishes; nothing else of the infrastructure may be reached. */
  readonly endpoints: readonly PublishedEndpoint[];
  /** The `Internet` (decision D2.6), and its complement. */
  readonly internet: readonly string[];
  readonly closed: readonly string[];
  readonly labels: readonly string[];
  readonly infra: string;
  readonly underlay: string;
  readonly operator: string;
};

export type NicEstate = {
  /** ARM ids, lower case: the NIC, all that it is under or in (subscription, group, network, subnets, machine, application security groups). */
  readonly nic: string;
  readonly scopes: readonly string[];
  readonly subscription: string;
  readonly vnet: string;
  readonly mac: string;
  /** Addresses that are the NIC's own, as the resource says. */
  readonly addresses: readonly string[];
  readonly forwarding: boolean;
  /** Quarantined: nothing that it should reach, or that should reach it, is missed. */
  readonly isApart?: boolean;
};

export type VnetEstate = {
  readonly id: string;
  readonly subscription: string;
  readonly space: readonly string[];
  /** Keys of the networks that this one's owner peered with; both sides must name each other. */
  readonly peered: readonly string[];
};
