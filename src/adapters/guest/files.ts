/** A guest's spec → the files its init and services read, checked so that no field can break out of its line. */

import { base64BytesOf, parseGuestSpec } from '#adapters/guest/spec.ts';
import { initPath, initScript, settingsPath } from '#adapters/guest/init.ts';
import { printPrefix, parseAddress, prefixOf } from '#base/prefix.ts';
import type { GuestNic, GuestSpec } from '#engine/guest-port.ts';

/**
 * One file inside a guest. `always` replaces it at every start, `first` writes it when the root is new, `absent` when it is
 * new and the image brings none, `append` adds to the image's own when the root is new.
 */
export type GuestFile = {
  readonly path: string;
  readonly mode: number;
  readonly owner: number;
  readonly when: 'always' | 'first' | 'absent' | 'append';
  readonly bytes: Buffer;
};

/** Every file the spec asks for, in the order they are written. */
export function guestFiles(given: GuestSpec): readonly GuestFile[] {
  const spec = parseGuestSpec(given);
  const own = spec.nics.flatMap((nic) => nic.addresses.map(({ address }) => `${address} ${spec.hostname}`));
  return [
    file(initPath, 0o755, initScript),
    file(settingsPath, 0o644, settingsOf(spec)),
    file('/etc/hostname', 0o644, `${spec.hostname}\n`),
    file('/etc/hosts', 0o644, ['127.0.0.1 localhost', '::1 localhost', ...own, ''].join('\n')),
    file('/etc/resolv.conf', 0o644, resolverOf(spec)),
    { ...file('/etc/nftables.conf', 0o644, firewall), when: 'absent' },
    ...accountFiles(spec),
    ...customDataFiles(spec),
    ...(spec.image.kind === 'lab'
      ? [{ ...file('/var/www/cgi-bin/whoami', 0o755, whoami), when: 'first' as const }]
      : []),
  ];
}

function resolverOf({ resolver, searchDomain }: GuestSpec): string {
  const search = searchDomain === undefined ? '' : `search ${searchDomain}\n`;
  return `nameserver ${resolver}\n${search}options timeout:2 attempts:2\n`;
}

/** The words init reads (see init.ts). The primary NIC owns the default route, others reach their own subnet only (as Azure's DHCP gives it). */
export function settingsOf(spec: GuestSpec): string {
  const services = spec.image.kind === 'lab' ? ['service http', 'service dropbear'] : ['service openssh'];
  return [
    ...spec.nics.flatMap((nic, index) => linesOf(nic, index === 0)),
    ...(spec.ipForwarding === true ? ['forward'] : []),
    ...(spec.adminPasswordHash === undefined ? [] : ['password']),
    ...services,
    '',
  ].join('\n');
}

/** The administrator's uid inside the guest, as Debian's first user. */
const adminUid = 1000;

function linesOf(nic: GuestNic, isPrimary: boolean): string[] {
  const lines = [`link ${nic.name} ${nic.mac} ${nic.mtu}`];
  const routed = new Set<string>();
  for (const { address, gateway, prefixLength } of nic.addresses) {
    const { family } = parseAddress(address);
    lines.push(`address ${nic.name} ${address}/${family === 4 ? 32 : 128}`);
    const subnet = printPrefix(prefixOf(parseAddress(address), prefixLength));
    const line = isPrimary ? `gateway ${nic.name} ${gateway}` : `route ${nic.name} ${subnet} ${gateway}`;
    // A second address of the same family and subnet needs no second route.
    const key = isPrimary ? `${family}` : line;
    if (!routed.has(key)) lines.push(line);
    routed.add(key);
  }
  return lines;
}

/** Accepts all until the tenant says otherwise: the network security groups in front are what is proved (decision D2.3). */
const firewall = `#!/usr/sbin/nft -f
table inet guest
delete table inet guest
table inet guest {
  chain input {
    type filter hook input priority filter; policy accept;
    ct state invalid counter drop
  }
}
`;

/** Answers who asked, as this guest sees it: source translation becomes visible. */
const whoami = `#!/usr/lib/ringwall/busybox sh
printf 'Content-Type: text/plain\\r\\n\\r\\n'
echo "hostname=$(/usr/lib/ringwall/busybox hostname)"
echo "client=$(echo "$REMOTE_ADDR" | /usr/lib/ringwall/busybox sed 's/^\\[//; s/\\]$//; s/^::ffff://')"
`;

function accountFiles(spec: GuestSpec): GuestFile[] {
  const [name, home] = [spec.adminUsername, `/home/${spec.adminUsername}`];
  // Day 0 of "last changed" would make login ask for a new password, so the field stays empty; `*` admits no password.
  const shadow = `${name}:${spec.adminPasswordHash ?? '*'}::0:99999:7:::\n`;
  const keys = spec.sshPublicKeys.map((key) => `${key}\n`).join('');
  const mine = (path: string, mode: number, text: string): GuestFile => ({
    ...file(path, mode, text),
    owner: adminUid,
    when: 'first',
  });
  return [
    { ...file('/etc/passwd', 0o644, `${name}:x:${adminUid}:${adminUid}::${home}:/bin/sh\n`), when: 'append' },
    { ...file('/etc/group', 0o644, `${name}:x:${adminUid}:\n`), when: 'append' },
    { ...file('/etc/shadow', 0o600, shadow), when: 'append' },
    mine(`${home}/.profile`, 0o644, 'PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin\nexport PATH\n'),
    mine(`${home}/.ssh/authorized_keys`, 0o600, keys),
  ];
}

function customDataFiles(spec: GuestSpec): GuestFile[] {
  if (spec.customData === undefined || spec.customData === '') return [];
  const bytes = base64BytesOf(spec.customData);
  return [{ path: '/var/lib/ringwall/custom-data', mode: 0o700, owner: 0, when: 'first', bytes }];
}

const file = (path: string, mode: number, text: string): GuestFile => ({
  path,
  mode,
  owner: 0,
  when: 'always',
  bytes: Buffer.from(text, 'utf8'),
});
