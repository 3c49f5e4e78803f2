/** Label addresses: the stamp-wide unique addresses that stand for NIC addresses outside their VNet. */

import { printAddress, type Family } from '#base/prefix.ts';
import { assert } from '#base/wrong.ts';

/**
 * The address of a label: 100.(64+N).hi.lo in IPv4, fd52:57NN::label in IPv6, N the stamp's number (decision D5: two
 * stamps on one machine share no address).
 */
export function labelAddress(stampNumber: number, label: number, family: Family): string {
  assert(
    stampNumber >= 0 && stampNumber <= 63 && label >= 0 && label <= 65_535,
    `No label ${label} in stamp ${stampNumber}.`,
  );
  if (family === 4) return `100.${64 + stampNumber}.${label >> 8}.${label & 255}`;
  const head = (0xfd52n << 112n) | (BigInt(0x5700 + stampNumber) << 96n);
  return printAddress({ family: 6, value: head | BigInt(label) });
}

/** The MAC of a NIC: locally administered, with the stamp's number and the NIC's mark. */
export function macAddress(stampNumber: number, mark: number): string {
  const bytes = [0x02, 0x57, stampNumber, 0, mark >> 8, mark & 255];
  return bytes.map((byte) => byte.toString(16).padStart(2, '0')).join(':');
}
