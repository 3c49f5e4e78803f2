/** What a hand with root does to a running stamp's kernel behind its back: one row per kind of tampering. */

/**
 * `argv` runs inside the namespace. PORT stands for the link of the guest in its router, OWN for its address, HANDLE for the
 * handle of the rule in the chain of `handleOf` that has the text.
 */
export type Tamper = {
  readonly name: string;
  /** The part of the namespace's name after `rwN-`. */
  readonly where: string;
  /** The point that the keeper tells of. */
  readonly point: string;
  readonly handleOf?: readonly [chain: string, text: string];
  readonly argv: readonly (readonly string[])[];
  /** The kernel gives a link its carrier back within a second of its own, after which packets go on. */
  readonly restMs?: number;
  /** nf_tables tells which process spoke; routes, links and sysctls do not. */
  readonly tellsWho: boolean;
};

const router = { where: 'v1h1', point: 'router/v1/h1' } as const;
const nft = (...words: string[]): readonly string[] => ['nft', words.join(' ')];

const spoof = ['from_port', 'spoof: not an address of the NIC'] as const;

export const tampers: readonly Tamper[] = [
  {
    name: 'a rule is deleted',
    ...router,
    handleOf: spoof,
    argv: [nft('delete rule inet rw from_port handle HANDLE')],
    tellsWho: true,
  },
  {
    name: 'an accept goes first in a chain',
    ...router,
    argv: [nft('insert rule inet rw mangle accept')],
    tellsWho: true,
  },
  {
    name: 'a rule moves to the front of its chain',
    ...router,
    handleOf: spoof,
    argv: [
      nft(
        'delete rule inet rw from_port handle HANDLE; insert rule inet rw from_port counter drop comment "spoof: not an address of the NIC"',
      ),
    ],
    tellsWho: true,
  },
  {
    name: 'a rule is replaced by a wider one',
    ...router,
    handleOf: spoof,
    argv: [nft('replace rule inet rw from_port handle HANDLE accept')],
    tellsWho: true,
  },
  {
    name: 'a drop policy becomes accept',
    ...router,
    argv: [nft('chain inet rw raw { policy accept; }')],
    tellsWho: true,
  },
  {
    name: 'an address is added to the anti-spoof set',
    ...router,
    argv: [nft('add element inet rw own4 { "PORT" . 02:57:00:00:00:99 . 10.9.9.9 }')],
    tellsWho: true,
  },
  {
    name: 'an address is taken from the anti-spoof set',
    ...router,
    argv: [nft('flush set inet rw own4')],
    tellsWho: true,
  },
  { name: 'the ruleset is flushed', ...router, argv: [nft('flush ruleset')], tellsWho: true },
  { name: 'a table is deleted', ...router, argv: [nft('delete table inet rw')], tellsWho: true },
  {
    name: 'a foreign table hooks in before ours',
    ...router,
    argv: [
      nft(
        'add table ip mine; add chain ip mine pre { type filter hook prerouting priority -500; policy accept; }; add rule ip mine pre notrack',
      ),
    ],
    tellsWho: true,
  },
  {
    name: 'a foreign table catches what comes from a port',
    ...router,
    argv: [
      nft(
        'add table netdev mine; add chain netdev mine in { type filter hook ingress device "PORT" priority -600; policy accept; }',
      ),
    ],
    tellsWho: true,
  },
  {
    name: 'our table is made dormant',
    ...router,
    argv: [nft('add table inet rw { flags dormant; }')],
    tellsWho: true,
  },
  {
    name: 'a route goes elsewhere',
    ...router,
    argv: [['ip', 'route', 'replace', 'blackhole', 'OWN']],
    tellsWho: false,
  },
  {
    name: 'a narrower route takes a part',
    ...router,
    argv: [['ip', 'route', 'add', '10.0.1.0/25', 'dev', 'uplink', 'scope', 'link']],
    tellsWho: false,
  },
  {
    name: 'a routing rule goes first',
    ...router,
    argv: [['ip', 'rule', 'add', 'pref', '1', 'lookup', 'main']],
    tellsWho: false,
  },
  {
    name: 'a route is deleted',
    where: 'tor',
    point: 'switch',
    argv: [['ip', 'route', 'del', 'default']],
    tellsWho: false,
  },
  {
    name: 'an address is put on a port',
    ...router,
    argv: [['ip', 'address', 'add', '10.0.0.77/32', 'dev', 'PORT']],
    tellsWho: false,
  },
  {
    name: 'the MAC of a port changes',
    ...router,
    argv: [['ip', 'link', 'set', 'PORT', 'address', '02:00:00:00:00:01']],
    restMs: 2000,
    tellsWho: false,
  },
  {
    name: 'a port is taken down',
    ...router,
    argv: [['ip', 'link', 'set', 'PORT', 'down']],
    restMs: 2000,
    tellsWho: false,
  },
  {
    name: 'a foreign link appears',
    ...router,
    argv: [['ip', 'link', 'add', 'mine', 'type', 'veth', 'peer', 'name', 'mine2']],
    tellsWho: false,
  },
  {
    name: 'forwarding is switched off',
    ...router,
    argv: [['sysctl', '-qw', 'net.ipv4.ip_forward=0']],
    tellsWho: false,
  },
  {
    name: 'redirects are accepted',
    ...router,
    argv: [['sysctl', '-qw', 'net.ipv4.conf.PORT.accept_redirects=1']],
    tellsWho: false,
  },
  {
    name: 'the edge lets everything in',
    where: 'edge',
    point: 'edge',
    argv: [nft('insert rule inet rw forward accept')],
    tellsWho: true,
  },
  {
    name: 'the switch forgets its filter',
    where: 'tor',
    point: 'switch',
    argv: [nft('delete table inet rw')],
    tellsWho: true,
  },
  {
    name: "the host's firewall is deleted",
    where: 'h1',
    point: 'host/h1',
    argv: [nft('delete table inet rw')],
    tellsWho: true,
  },
];
