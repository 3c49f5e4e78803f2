/** The waist: what each enforcement point must do, as frozen data. Compilers write it, the oracle and the prover judge it, adapters render it. */

/**
 * All programs of a stamp, by point: `edge`, `switch`, `host/h1`, `infra`, `resolver`, `router/<vnetKey>/<host>`.
 * Everything is a plain object keyed by stable names (arrays are leaves), so that two versions differ by a short list of
 * edits (`treeDifference`) and share what did not change by identity. Addresses and prefixes are canonical text.
 */
export type Programs = { readonly [point: string]: Program };

export type Program = EdgeProgram | SwitchProgram | HostProgram | InfraProgram | ResolverProgram | RouterProgram;

/** Inclusive range of ports. */
export type PortRange = readonly [first: number, last: number];

export type Protocol = 'any' | 'tcp' | 'udp' | 'icmp' | 'esp' | 'ah';

/** Which addresses a rule speaks of: all, or the union of prefixes and of named sets of the same program. */
export type AddressMatch = 'any' | { readonly prefixes: readonly string[]; readonly sets: readonly string[] };

/**
 * One rule of a filter. Ports are looked at for TCP and UDP only: a rule of protocol `any` with ports matches TCP and UDP
 * alone; an empty list of ranges means every port. `icmp` means ICMP for IPv4 and ICMPv6 for IPv6.
 */
export type Rule = {
  readonly access: 'allow' | 'deny';
  readonly protocol: Protocol;
  readonly source: AddressMatch;
  readonly target: AddressMatch;
  readonly sourcePorts: readonly PortRange[];
  readonly targetPorts: readonly PortRange[];
  /** Who asked for it: `nsg/<name>/<rule>`; travels into the kernel's comment and every answer. */
  readonly because: string;
};

/**
 * An ordered list of rules: the keys sort in order of evaluation (`0100/allow-https`: priority in four or five digits, then
 * the name); the first rule that matches decides. When none matches the packet is denied, because `<filter>: no rule matched`.
 */
export type Filter = { readonly rules: { readonly [key: string]: Rule } };

/** Where a route sends a packet. `local`: to the NIC of this VNet that has the address. `peer`: into a peered VNet (its key, `v12`). */
export type NextHop =
  | { readonly kind: 'local' }
  | { readonly kind: 'peer'; readonly vnet: string }
  | { readonly kind: 'appliance'; readonly address: string }
  | { readonly kind: 'internet' }
  | { readonly kind: 'none' };

export type Route = { readonly prefix: string; readonly hop: NextHop; readonly because: string };

/** Effective routes of the subnets that share them; keyed by prefix; the longest prefix that holds the target decides; no match: dropped. */
export type RouteTable = { readonly routes: { readonly [prefix: string]: Route } };

/** One address of a NIC, with the stamp-wide unique label address that stands for it outside its VNet. */
export type PortAddress = { readonly label: string };

/**
 * A local NIC: one routed port. A packet from it must carry its MAC and, unless `forwarding`, one of its addresses.
 * Outbound filters are judged in the given order (NIC, then subnet) on the target as the guest sees it; inbound ones
 * (subnet, then NIC) on the packet as it is delivered. All must allow; none means allowed.
 */
export type Port = {
  readonly nic: string;
  /** Stamp-wide unique number of the NIC (1–65535): interface `n<mark>`, packet mark, MAC, conntrack zones derive from it. */
  readonly mark: number;
  readonly mac: string;
  readonly mtu: number;
  readonly addresses: { readonly [address: string]: PortAddress };
  readonly forwarding: boolean;
  readonly table: string;
  readonly outbound: readonly string[];
  readonly inbound: readonly string[];
};

/** A NIC of this VNet on another host, reached over the tunnel. */
export type Remote = {
  readonly host: string;
  readonly mac: string;
  readonly mark: number;
  readonly forwarding: boolean;
};

/**
 * A peered VNet (`vnet` is its key), on the same host's router of that VNet. `prefixes` may be reached through it; `forwarded`: this side accepts
 * packets from the peer whose source is outside the peer's own prefixes (Azure: allowForwardedTraffic).
 */
export type Peer = {
  readonly vnet: string;
  readonly prefixes: readonly string[];
  readonly forwarded: boolean;
  /** Addresses of the peer's NICs, all hosts: what is not listed does not exist and is dropped. */
  readonly addresses: { readonly [address: string]: { readonly mark: number; readonly forwarding: boolean } };
};

/** How new flows are spread: over source address+port and target (`flow`), source address (`source`), or source address and protocol. */
export type Spread = 'flow' | 'source' | 'sourceProtocol';

/**
 * One load-balancing rule or inbound NAT rule: new flows to the frontend go to one of the targets, keyed by target address
 * (at the edge: label address; in a router: NIC address). No target: the packet is dropped. Established flows keep theirs.
 * `port` 0 means all ports of the protocol, kept as they are (`targetPort` is then 0 too).
 */
export type Balance = {
  readonly frontend: string;
  readonly protocol: 'tcp' | 'udp' | 'any';
  readonly port: number;
  readonly targetPort: number;
  readonly spread: Spread;
  readonly idleMinutes: number;
  readonly targets: { readonly [address: string]: { readonly mark: number } };
  readonly because: string;
};

/**
 * What one port may send, whoever it sends it to (claim S1.21): first packets of flows, of mail to outside the VNet, to addresses and ports
 * that it did not speak to within the last minute, packets in each direction of its flows, and packets with a source that is not
 * its own. 0: none. The kernel drops what goes over; of packets alone nobody can say that, so the oracle takes each to be within.
 */
export type Budget = {
  readonly newPerSecond: number;
  readonly mailPerMinute: number;
  readonly targetsPerMinute: number;
  readonly packetsPerSecond: number;
  readonly forgedPerMinute: number;
};

/**
 * What all labels of one subscription may hold at the boundary, and carry over it in each direction, together; the oracle takes each packet
 * to be within.
 */
export type Share = {
  readonly connections: number;
  readonly newPerSecond: number;
  readonly packetsPerSecond: number;
  readonly megabitsPerSecond: number;
  readonly because: string;
};

/** What the router of a network may hold of connection states for the subscription that the network is in. */
export type Hold = { readonly connections: number; readonly because: string };

/** The filter of a port that is set apart (quarantined): the platform's health probe gets in, and nothing gets out. */
export const apartFilterKey = 'quarantine';

/** The router of one VNet on one host. */
export type RouterProgram = {
  readonly kind: 'router';
  readonly host: string;
  /** ARM id of the VNet. */
  readonly vnet: string;
  /** Short stable key of the VNet (`v12`), part of the point's name. */
  readonly key: string;
  readonly vni: number;
  readonly space: readonly string[];
  /** Gateway addresses of the subnets: answer ICMP echo only. */
  readonly gateways: readonly string[];
  readonly ports: { readonly [name: string]: Port };
  readonly remotes: { readonly [address: string]: Remote };
  readonly peers: { readonly [key: string]: Peer };
  readonly tables: { readonly [key: string]: RouteTable };
  readonly filters: { readonly [key: string]: Filter };
  /** Named sets of prefixes that rules speak of: `vnet` (VirtualNetwork, D2.7), `internet` (D2.6), `probe` (AzureLoadBalancer), `asg/<key>`. */
  readonly sets: { readonly [key: string]: readonly string[] };
  /** Internal load balancers whose frontends guests of this VNet can reach: translated where the flow starts. */
  readonly balances: { readonly [key: string]: Balance };
  /** Just-in-time openings of ports of this router; absent when there is none. */
  readonly openings?: { readonly [key: string]: Opening };
  /** Filters whose verdicts on new flows of some ports are logged, by the filter's key; absent when none is. It decides nothing. */
  readonly flowLogs?: { readonly [filter: string]: LoggedPorts };
  /** What ports may send, and by the port's name which of it is the port's; absent when no port has a budget. */
  readonly budgets?: { readonly [key: string]: Budget };
  readonly spenders?: { readonly [port: string]: string };
  /** By the subscription's GUID: one, or absent when it has no plans. */
  readonly holds?: { readonly [subscription: string]: Hold };
};

/**
 * A way past all inbound filters of one port for a while (decision D3.6): flows of the source to this address and port of the
 * NIC with the mark. Time is not looked at here: who holds the program takes an opening out of it, and the kernel closes it at
 * `until` (ms since 1970) by itself and cuts the flows that it let in.
 */
export type Opening = {
  readonly mark: number;
  readonly address: string;
  readonly protocol: 'tcp' | 'udp';
  readonly port: number;
  readonly source: string;
  readonly until: number;
  readonly because: string;
};

/** The ports (by name) that a filter's verdicts are logged for. */
export type LoggedPorts = { readonly ports: readonly string[] };

/** A public address that stands for one NIC address, both ways. */
export type PublicAddress = {
  readonly label: string;
  readonly mark: number;
  /** After this long without a packet, the boundary forgets a TCP or UDP flow; so in all records that have it. */
  readonly idleMinutes: number;
  readonly because: string;
};

/** How a NIC address without a public address of its own reaches the internet: a block of source ports of a shared address. */
export type SourceBlock = {
  readonly address: string;
  readonly ports: PortRange;
  readonly mark: number;
  readonly idleMinutes: number;
  readonly because: string;
};

/** An endpoint of the stamp itself, published at the edge. */
export type Published = {
  readonly address: string;
  readonly protocol: 'tcp' | 'udp';
  readonly port: number;
  readonly target: string;
  readonly targetPort: number;
  /** Prefixes that may connect. */
  readonly sources: readonly string[];
  readonly because: string;
};

/** The boundary: drops what no internet host may send, translates public addresses, balances, publishes the stamp's endpoints. */
export type EdgeProgram = {
  readonly kind: 'edge';
  /** Sources that never come from the internet (D2.6). */
  readonly bogons: readonly string[];
  readonly pool: readonly string[];
  readonly labels: readonly string[];
  /** Prefixes that live beyond the boundary in the lab's own internet namespace, and the operator's link. */
  readonly internet: readonly string[];
  readonly operator: readonly string[];
  /** What guests see as the source of the operator's connections: the link's own addresses stay outside. */
  readonly operatorSource: string;
  /** Keyed by public address. Inbound: to the label. */
  readonly publics: { readonly [address: string]: PublicAddress };
  /** Keyed by label address. Outbound one-to-one: from the label to the public address (a NAT gateway may override it). */
  readonly ones: {
    readonly [label: string]: { readonly address: string; readonly idleMinutes: number; readonly because: string };
  };
  /** Keyed by label address; `<label>/tcp` and `<label>/udp` are for that protocol alone and go before. */
  readonly blocks: { readonly [label: string]: SourceBlock };
  readonly balances: { readonly [key: string]: Balance };
  readonly published: { readonly [key: string]: Published };
  /** What subscriptions may hold here, and by label address whose it is; absent when no subscription has plans. */
  readonly shares?: { readonly [key: string]: Share };
  readonly sharers?: { readonly [label: string]: string };
};

/** The top-of-rack switch: stateless, both directions written out. */
export type SwitchProgram = {
  readonly kind: 'switch';
  readonly filter: Filter;
  /** Label and infrastructure addresses by where they live: `host/h1`, `infra`. */
  readonly routes: { readonly [prefix: string]: string };
};

/** A host: carries tunnels between hosts, hands label addresses to its routers, and accepts nothing else. */
export type HostProgram = {
  readonly kind: 'host';
  readonly host: string;
  readonly underlay: string;
  /** Underlay addresses of the other hosts, the only ones to speak VXLAN with. */
  readonly others: { readonly [host: string]: string };
  /** Label address to router point. */
  readonly routes: { readonly [label: string]: string };
};

/** The namespace of the stamp's own endpoints, with its own firewall. */
export type InfraProgram = {
  readonly kind: 'infra';
  readonly addresses: readonly string[];
  readonly filter: Filter;
};

/** The names of one VNet: each with its addresses. */
export type NetworkNames = { readonly names: { readonly [name: string]: readonly string[] } };

/**
 * The resolver behind the platform's address (decision D5): who may ask, as a guest of which VNet, and all that it knows.
 * Any other name does not exist. Names are in lower case, without a dot at their end.
 */
export type ResolverProgram = {
  readonly kind: 'resolver';
  readonly address: string;
  /** Prefixes that may ask. */
  readonly sources: readonly string[];
  /** A VNet's names stand by themselves and under this domain. */
  readonly domain: string;
  /** Keyed by label address: the VNet whose names it sees. */
  readonly clients: { readonly [label: string]: string };
  /** Keyed by the VNet's key (`v12`). */
  readonly networks: { readonly [vnet: string]: NetworkNames };
  /** Whole names that everybody sees. */
  readonly publics: { readonly [name: string]: readonly string[] };
};
