/** Routes and translations of boundary, switch, hosts and endpoints: each planted fault is told with a packet. */

import { test } from 'node:test';
import { type Fault, tellsFault } from '#test/generate/told.ts';
import { changing, changingAll, first, gaining, losing, swapping } from '#test/generate/fault.ts';

const faults: readonly Fault[] = [
  [
    'public addresses stand for each other’s labels',
    /^edge/,
    { set: /^public_to4/ },
    swapping,
    /^Targets: .*to 198\.18\.0\./,
  ],
  [
    'labels leave as each other’s public addresses',
    /^edge/,
    { set: /^one_to[46]/ },
    swapping,
    /^Sources: .* from (?:100\.|fd52:)/,
  ],
  [
    'a label loses its address',
    /^edge/,
    { set: /^ones4/ },
    losing(/./),
    /^What comes in: .* by tor, .* is "drop" in the kernel/,
  ],
  ['a block is one port longer', /^edge/, { set: /^block_any4/ }, changing(/-(\d)/, '-6$1'), /^Sources: .* port \d+-6/],
  ['blocks of two NICs are exchanged', /^edge/, { set: /^block_any4/ }, swapping, /^Sources: .* from 100\./],
  [
    'ICMP has no way out',
    /^edge/,
    { chain: /^snat_out$/ },
    losing(/^meta l4proto icmp/),
    /^Sources: the packet of protocol icmp/,
    'sometimes',
  ],
  [
    'a member of a public balance is lost',
    /^edge/,
    { chain: /^b_/ },
    losing(/mod 2 .* 0 counter dnat/),
    /^Targets: .* and "one of target/,
  ],
  [
    'an inbound rule leads to another port',
    /^edge/,
    { chain: /^b_/ },
    changing(/:22 /, ':23 '),
    /^Targets: .* to port 5000\d.* port 23" in the kernel/,
  ],
  [
    'a frontend listens on another port',
    /^edge/,
    { chain: /^inward$/ },
    changing(/dport 50002/, 'dport 50003'),
    /^Targets: .* to port 5000[23]/,
  ],
  [
    'what is nobody goes on',
    /^edge/,
    { chain: /^inward$/ },
    losing(/^counter drop/),
    /^Targets: .* is "accept" in the kernel and "drop"/,
  ],
  [
    'nobody is asked before anybody',
    /^edge/,
    { chain: /^inward$/ },
    first(/^counter drop/),
    /^Targets: .* is "drop" in the kernel/,
  ],
  [
    'anybody reaches the administration',
    /^edge/,
    { set: /^e_adminmanagement_\w+_from$/ },
    gaining('203.0.113.0/24'),
    /^Targets: .* to 198\.18\.0\.5, to port 443, from 203\.0\.113/,
  ],
  [
    'a guest reaches the administration',
    /^edge/,
    { set: /^e_adminmanagement_\w+_guests$/ },
    gaining('100.64.0.1'),
    /^Targets: .* by tor, .* to port 443, from 100\.64\.0\.1/,
  ],
  [
    'an endpoint is another’s',
    /^edge/,
    { chain: /^e_adfs/ },
    changingAll(/:443 /, ':444 '),
    /^Targets: .* port 444" in the kernel/,
  ],
  [
    'the operator keeps its address',
    /^edge/,
    { chain: /^snat_out$/ },
    losing(/@operator4/),
    /^Sources: .* from 169\.254\.64\./,
  ],
  [
    'private sources come from the internet',
    /^edge/,
    { set: /^bogons4/ },
    losing(/^10\.0\.0\.0\/8/),
    /^What comes in: .* by net, .*from 10\./,
  ],
  [
    'the pool is routed',
    /^edge/,
    { network: 'routes' },
    losing(/^blackhole 198\.18/),
    /^Routes: the packet to 198\.18/,
  ],
  [
    'labels go out to the internet',
    /^edge/,
    { network: 'routes' },
    losing(/^100\.64/),
    /^Routes: the packet to 100\.64\..* is "net /,
  ],
  [
    'a label is behind another host',
    /^switch/,
    { network: 'routes' },
    changing(/^(100\.\S+ via \S+ dev) h1/, '$1 h2'),
    /^Routes: the packet to 100\.64/,
  ],
  [
    'a label is behind another router',
    /^host/,
    { network: 'routes' },
    changing(/^(100\.\S+ via \S+ dev) rv\d/, '$1 rv9'),
    /^Routes: the packet to 100\.64/,
  ],
  [
    'an endpoint has no way out',
    /^infra/,
    { network: 'routes' },
    losing(/^0\.0\.0\.0\/0/),
    /^Routes: .* is "drop" in the kernel/,
  ],
];

for (const fault of faults) {
  test(`a fault is told with a packet: ${fault[0]}`, () => tellsFault(fault));
}
