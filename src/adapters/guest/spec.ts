/** Checks a guest's spec at the door: everything that becomes a path, a line of a file or a number for the kernel. */

import { isPasswordHash } from '#model/compute/password-hash.ts';
import {
  customDataBytesMax,
  guestExecArgumentsMax,
  ipConfigurationsPerNicMax,
  nicsPerVmMax,
  sshKeysPerGuestMax,
} from '#base/limits.ts';
import { bitsOf, parseAddress } from '#base/prefix.ts';
import { Refusal } from '#base/wrong.ts';
import type { GuestAddress, GuestNic, GuestSpec } from '#engine/guest-port.ts';

/** The spec itself when every field holds; else a Refusal that names the field. Never quotes a secret. */
export function parseGuestSpec(spec: GuestSpec, uids = { first: uidRange, end: 0xffff_ffff - uidRange }): GuestSpec {
  parseGuestKey(spec.key);
  want(
    /^[A-Za-z0-9]([A-Za-z0-9-]{0,62}[A-Za-z0-9])?$/.test(spec.hostname),
    'hostname',
    'up to 64 letters, digits and inner hyphens',
  );
  wantNumber(spec.uidFirst, { target: 'uidFirst', least: uids.first, most: uids.end - uidRange });
  wantNumber(spec.cpuCount, { target: 'cpuCount', least: 0.05, most: 1024, isFraction: true });
  wantNumber(spec.memoryMiB, { target: 'memoryMiB', least: 64, most: 16 * 1024 * 1024 });
  want(
    /^[A-Za-z_][A-Za-z0-9_-]{0,31}$/.test(spec.adminUsername),
    'adminUsername',
    'up to 32 letters, digits, "_" and "-", not beginning with a digit',
  );
  want(
    !accountsTaken.has(spec.adminUsername.toLowerCase()),
    'adminUsername',
    'a name that the image does not use itself',
  );
  want(spec.sshPublicKeys.length <= sshKeysPerGuestMax, 'sshPublicKeys', `at most ${sshKeysPerGuestMax} keys`);
  spec.sshPublicKeys.forEach((key, index) => {
    want(
      /^[ -~]{20,8192}$/.test(key) && keyKind.test(key),
      `sshPublicKeys/${index}`,
      'one OpenSSH public key on one line',
    );
  });
  const hash = spec.adminPasswordHash;
  want(hash === undefined || isPasswordHash(hash), 'adminPasswordHash', 'a sha512crypt or yescrypt hash');
  if (spec.customData !== undefined) base64BytesOf(spec.customData);
  parseAddress(spec.resolver, 'resolver');
  want(
    spec.searchDomain === undefined || /^[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63}){0,20}$/.test(spec.searchDomain),
    'searchDomain',
    'a domain of lower-case letters, digits and hyphens',
  );
  want(spec.nics.length <= nicsPerVmMax, 'nics', `at most ${nicsPerVmMax} interfaces`);
  spec.nics.forEach(parseNic);
  want(new Set(spec.nics.map(({ name }) => name)).size === spec.nics.length, 'nics', 'interface names that differ');
  return spec;
}

/** A key is part of paths and control group names. */
export function parseGuestKey(key: string): string {
  want(/^[a-z0-9]{1,32}$/.test(key), 'key', '1 to 32 lower-case letters and digits');
  return key;
}

/** A command for inside a guest: absolute or found by the guest's PATH, no NUL bytes, bounded. */
export function parseArguments(argv: readonly string[]): readonly string[] {
  want(argv.length >= 1 && argv.length <= guestExecArgumentsMax, 'argv', `1 to ${guestExecArgumentsMax} arguments`);
  want(!(argv[0] ?? '').startsWith('-') && argv[0] !== '', 'argv/0', 'the name of a program');
  argv.forEach((argument, index) => want(!argument.includes('\0'), `argv/${index}`, 'text without NUL'));
  return argv;
}

/** Strict base64 of at most 64 KiB (Azure's limit of customData). */
export function base64BytesOf(text: string): Buffer {
  const bytes = Buffer.from(text, 'base64');
  want(/^[A-Za-z0-9+/]*={0,2}$/.test(text) && text.length % 4 === 0, 'customData', 'base64 text');
  want(bytes.length <= customDataBytesMax, 'customData', `at most ${customDataBytesMax} bytes`);
  return bytes;
}

/** Uids and gids of one guest; a range begins at a multiple of nothing in particular, the caller keeps ranges apart. */
export const uidRange = 65_536;

const keyKind =
  /^(ssh-(rsa|ed25519)|ecdsa-sha2-nistp(256|384|521)|sk-(ssh-ed25519|ecdsa-sha2-nistp256)@openssh\.com) [A-Za-z0-9+/]+={0,3}( .*)?$/;

/** Accounts of Debian's base-passwd and of the images' services. */
const accountsTaken = new Set(
  'root daemon bin sys sync games man lp mail news uucp proxy www-data backup list irc gnats nobody sshd _apt messagebus systemd-network'.split(
    ' ',
  ),
);

function parseNic(nic: GuestNic, index: number): void {
  const at = `nics/${index}`;
  want(/^eth([0-9]|[1-9][0-9])$/.test(nic.name), `${at}/name`, 'eth0 to eth99');
  want(
    /^[0-9a-f][02468ace](:[0-9a-f]{2}){5}$/i.test(nic.mac),
    `${at}/mac`,
    'a unicast MAC address as six pairs with colons',
  );
  wantNumber(nic.mtu, { target: `${at}/mtu`, least: 1280, most: 9216 });
  want(
    nic.addresses.length <= ipConfigurationsPerNicMax,
    `${at}/addresses`,
    `at most ${ipConfigurationsPerNicMax} addresses`,
  );
  nic.addresses.forEach((address, position) => parseNicAddress(address, `${at}/addresses/${position}`));
}

function parseNicAddress({ address, gateway, prefixLength }: GuestAddress, at: string): void {
  const { family } = parseAddress(address, `${at}/address`);
  want(parseAddress(gateway, `${at}/gateway`).family === family, `${at}/gateway`, 'the address family of the address');
  wantNumber(prefixLength, { target: `${at}/prefixLength`, least: 0, most: bitsOf(family) });
}

type Bounds = { readonly target: string; readonly least: number; readonly most: number; readonly isFraction?: boolean };

function wantNumber(value: number, { target, least, most, isFraction }: Bounds): void {
  const holds =
    (isFraction === true ? Number.isFinite(value) : Number.isInteger(value)) && value >= least && value <= most;
  want(holds, target, `a number from ${least} to ${most}`);
}

function want(holds: boolean, target: string, wanted: string): void {
  if (!holds)
    throw new Refusal('InvalidParameter', `The value of ${target} is not accepted: ${wanted} is wanted.`, { target });
}
