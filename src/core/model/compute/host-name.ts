/** The host name of a machine, as its guest has it and as its virtual network's resolver knows it. */

/**
 * Host names are letters, digits and hyphens, at most 63 of them, no hyphen at either end (RFC 1123 §2.1); ARM's computer
 * names may have more, and what they have more becomes a hyphen.
 */
export function hostNameOf(computerName: string): string {
  const name = computerName
    .toLowerCase()
    .replaceAll(/[^a-z0-9-]/g, '-')
    .replace(/^-+/, '')
    .slice(0, 63)
    .replace(/-+$/, '');
  return name === '' ? 'guest' : name;
}
