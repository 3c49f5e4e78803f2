/** What a router takes for itself, and what it says itself: pings of its gateways, and the platform's health probes. */

import { comment } from '#adapters/linux/filter.ts';
import { platformAddress, probeSources } from '#program/martian.ts';

/** The rules of what is for the router itself. */
export const inputRules = [
  'iifname "lo" accept',
  'ct state established,related accept',
  'icmpv6 type nd-neighbor-solicit accept',
  `ip daddr ${platformAddress} counter drop${comment('platform: does not answer this')}`,
  `iifname @ports ip daddr @gateways4 icmp type echo-request counter accept${comment('platform: gateway echo')}`,
  `iifname @ports ip6 daddr @gateways6 icmpv6 type echo-request counter accept${comment('platform: gateway echo')}`,
];

/** The rules of what it sends itself. */
export const outputRules = [
  'oifname "lo" accept',
  'ct state established,related accept',
  'icmpv6 type nd-neighbor-advert accept',
  `oifname @ports ip saddr ${probeSources[4]} goto inward`,
  `oifname @ports ip6 saddr ${probeSources[6]} goto inward`,
];
