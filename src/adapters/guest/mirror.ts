/** Which Debian mirror this machine uses, read from its apt sources in both of their forms. */

import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** The first mirror that carries the machine's own release; undefined where there is none. */
export function debianMirror(root = '/'): string | undefined {
  const codename = /^VERSION_CODENAME=(\S+)$/m.exec(textOf(join(root, 'etc/os-release')))?.[1] ?? '';
  const folder = join(root, 'etc/apt/sources.list.d');
  const names = existsSync(folder) ? readdirSync(folder).toSorted() : [];
  const sources = [
    ...listSources(textOf(join(root, 'etc/apt/sources.list'))),
    ...names.filter((name) => name.endsWith('.list')).flatMap((name) => listSources(textOf(join(folder, name)))),
    ...names.filter((name) => name.endsWith('.sources')).flatMap((name) => blockSources(textOf(join(folder, name)))),
  ];
  return sources.find(({ suites }) => suites.includes(codename))?.address;
}

type Source = { readonly address: string; readonly suites: readonly string[] };

/** Lines `deb [options] ADDRESS SUITE COMPONENT…` (sources.list(5)). */
export function listSources(text: string): Source[] {
  return text.split('\n').flatMap((line) => {
    const found = /^\s*deb\s+(?:\[[^\]]*\]\s+)?(\S+)\s+(\S+)/.exec(line);
    return found === null ? [] : [{ address: found[1] ?? '', suites: [found[2] ?? ''] }];
  });
}

/** Blocks of `URIs:` and `Suites:` (deb822 form); a block that is switched off does not count. */
export function blockSources(text: string): Source[] {
  return text.split(/\n\s*\n/).flatMap((block) => {
    const words = (name: string): string[] =>
      new RegExp(`^${name}:[ \\t]*(.*)$`, 'im').exec(block)?.[1]?.trim().split(/\s+/) ?? [];
    const [address] = words('URIs');
    if (address === undefined || address === '' || !words('Types').includes('deb') || words('Enabled').includes('no'))
      return [];
    return [{ address, suites: words('Suites') }];
  });
}

function textOf(path: string): string {
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
}
