/** Functions on address prefixes: parseCidr, cidrSubnet, cidrHost. */

import {
  bitsOf,
  lastOf,
  parsePrefix,
  prefixOf,
  printAddress,
  printPrefix,
  sizeOf,
  tryPrefix,
  type Prefix,
} from '#base/prefix.ts';
import {
  define,
  intAt,
  refuseArgument,
  refuseCall,
  textAt,
  type Call,
  type TemplateFunction,
} from '#template/functions/call.ts';
import type { Json } from '#base/json.ts';

/** Azure docs, "CIDR functions". */
export const cidrFunctions: readonly TemplateFunction[] = [
  define('parsecidr', [1, 1], parseCidr),
  define('cidrsubnet', [3, 3], (call) => {
    const prefix = prefixAt(call);
    const [length, index] = [intAt(call, 1), intAt(call, 2)];
    if (length < prefix.length || length > bitsOf(prefix.family))
      throw refuseArgument(call, 1, `a prefix length from ${prefix.length} to ${bitsOf(prefix.family)}`);
    if (index < 0 || BigInt(index) >= 1n << BigInt(length - prefix.length))
      throw refuseCall(call.name, 'argument 3 is larger than the number of subnets.');
    const step = sizeOf({ ...prefix, length });
    return printPrefix({ family: prefix.family, first: prefix.first + BigInt(index) * step, length });
  }),
  define('cidrhost', [2, 2], (call) => {
    const prefix = prefixAt(call);
    const index = intAt(call, 1);
    // Azure counts the first address after the network's own as host 0.
    const value = prefix.first + BigInt(index) + 1n;
    if (index < 0 || value > lastOf(prefix))
      throw refuseCall(call.name, 'argument 2 is larger than the number of hosts.');
    return printAddress({ family: prefix.family, value });
  }),
];

function prefixAt(call: Call): Prefix {
  const text = textAt(call, 0);
  const [address = '', length = ''] = text.split('/');
  const host = tryPrefix(address);
  if (host === undefined || !/^\d{1,3}$/.test(length) || Number(length) > bitsOf(host.family)) {
    throw refuseArgument(call, 0, "an address prefix such as '10.0.0.0/16'");
  }
  // Host bits are cleared, as Azure does.
  return parsePrefix(printPrefix(prefixOf({ family: host.family, value: host.first }, Number(length))));
}

function parseCidr(call: Call): Json {
  const prefix = prefixAt(call);
  const { family, first, length } = prefix;
  const bits = BigInt(bitsOf(family));
  const ones = (1n << bits) - 1n;
  const mask = (ones << (bits - BigInt(length))) & ones;
  const text = (value: bigint) => printAddress({ family, value });
  const isWide = sizeOf(prefix) > 2n;
  return {
    network: text(first),
    netmask: text(mask),
    ...(family === 4 ? { broadcast: text(lastOf(prefix)) } : {}),
    firstUsable: text(isWide ? first + 1n : first),
    lastUsable: text(isWide && family === 4 ? lastOf(prefix) - 1n : lastOf(prefix)),
    cidr: length,
  };
}
