/** Addresses that no packet of a guest may use: as a source or target they are dropped by every router before anything else. */

/**
 * "This network", loopback, link-local, multicast, reserved and limited broadcast (RFC 6890); for IPv6 the unspecified and
 * loopback addresses, link-local and multicast. Directed broadcast needs no entry: no NIC has such an address, so the
 * router knows no way to it.
 */
export const martians: readonly string[] = Object.freeze([
  '0.0.0.0/8',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '224.0.0.0/3',
  '::/127',
  'fe80::/10',
  'ff00::/8',
]);

/** The platform's address inside each VNet: resolver, health probes (Azure: "What is IP address 168.63.129.16?"). */
export const platformAddress = '168.63.129.16';

/** Where a health probe comes from, by family (Azure: "Load Balancer health probes", probe source IP address). */
export const probeSources = Object.freeze({ 4: platformAddress, 6: 'fe80::1234:5678:9abc' });
