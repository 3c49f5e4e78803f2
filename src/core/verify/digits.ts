/** Values of fields as hexadecimal digits, the highest first: what the trees of labels are made of. */

import { type Address, bitsOf, type Family, printAddress } from '#base/prefix.ts';

/** Digits of a port. */
export const portDigits = 4;

const [zero, letterA] = [48, 97];

/** 8 digits, or 32. */
export function digitsOf({ family, value }: Address): number[] {
  const text = value.toString(16).padStart(bitsOf(family) / 4, '0');
  const digits: number[] = [];
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    digits.push(code < letterA ? code - zero : code - letterA + 10);
  }
  return digits;
}

/** The address that has these digits, as text. */
export function addressOf(family: Family, digits: readonly number[]): string {
  return printAddress({ family, value: BigInt(`0x${digits.map((digit) => digit.toString(16)).join('')}`) });
}

export function digitsOfPort(port: number): number[] {
  return [port >> 12, (port >> 8) & 15, (port >> 4) & 15, port & 15];
}

export function numberOf(digits: readonly number[]): number {
  return digits.reduce((number, digit) => number * 16 + digit, 0);
}
