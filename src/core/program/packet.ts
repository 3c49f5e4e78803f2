/** A packet as the oracle sees it: the first packet of a flow, with where it starts. */

/** Where a flow starts: at a NIC's guest, somewhere on the internet, on the operator's link, or at a router's probe source. */
export type Origin =
  | { readonly kind: 'nic'; readonly mark: number }
  | { readonly kind: 'internet' }
  | { readonly kind: 'operator' }
  | { readonly kind: 'probe'; readonly point: string };

/** Ports are 0 unless the protocol is `tcp` or `udp`. `icmp` is ICMP echo or ICMPv6 echo, by the family of the addresses. */
export type Packet = {
  readonly origin: Origin;
  readonly source: string;
  readonly target: string;
  readonly protocol: 'tcp' | 'udp' | 'icmp' | 'esp' | 'ah';
  readonly sourcePort: number;
  readonly targetPort: number;
};

/** One step of a packet's way: the point, what was done there, and the rule or route that decided. */
export type Hop = {
  readonly point: string;
  readonly step: 'spoof' | 'boundary' | 'filter' | 'route' | 'translate' | 'balance' | 'deliver' | 'publish' | 'answer';
  readonly because: string;
};

/**
 * Where a packet ended. `deliver` names every NIC that may get it (several when a load balancer chooses), with the packet as
 * delivered; `drops` gives the reasons of those targets of a load balancer that may be chosen and do not get it.
 */
export type Fate =
  | {
      readonly verdict: 'deliver';
      readonly to: readonly Delivered[];
      readonly drops: readonly string[];
      readonly hops: readonly Hop[];
    }
  | { readonly verdict: 'drop'; readonly because: string; readonly hops: readonly Hop[] };

/** A delivery: to a NIC's guest, to an internet host, to an endpoint of the stamp, or answered by a router itself. */
export type Delivered = {
  readonly at:
    | { readonly kind: 'nic'; readonly mark: number }
    | { readonly kind: 'internet' | 'operator' | 'infra' | 'router' };
  readonly packet: Omit<Packet, 'origin'>;
};
