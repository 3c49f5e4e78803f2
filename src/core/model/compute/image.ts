/** VM images: what publisher, offer and sku stand for, and which names of other clouds the lab takes for its own images. */

import type { JsonObject } from '#base/json.ts';
import type { StampFacts } from '#model/resource.ts';

/** The images that guests can start from. */
export type GuestImage = 'tiny' | 'debian-12';

export type Image = {
  readonly publisher: string;
  readonly offer: string;
  readonly sku: string;
  readonly version: string;
  readonly guest: GuestImage;
  /** Said in the instance view when another image stands in for the named one. */
  readonly note?: string;
};

/** The stamp's own images. */
const own: readonly Image[] = [
  { publisher: 'Ringwall', offer: 'lab', sku: 'tiny', version: '1.0.0', guest: 'tiny' },
  { publisher: 'Debian', offer: 'debian-12', sku: '12', version: '1.0.0', guest: 'debian-12' },
  { publisher: 'Debian', offer: 'debian-12', sku: '12-gen2', version: '1.0.0', guest: 'debian-12' },
];

/** Names that public templates use: publisher, offer and the skus that are listed. Others of the same publisher are taken too. */
const known: readonly [publisher: string, offer: string, skus: readonly string[]][] = [
  ['Canonical', 'UbuntuServer', ['14.04.5-LTS', '16.04-LTS', '16.04.0-LTS', '18.04-LTS']],
  ['Canonical', '0001-com-ubuntu-server-focal', ['20_04-lts', '20_04-lts-gen2']],
  ['Canonical', '0001-com-ubuntu-server-jammy', ['22_04-lts', '22_04-lts-gen2']],
  ['Canonical', 'ubuntu-24_04-lts', ['server', 'server-gen1']],
  ['credativ', 'Debian', ['8', '9']],
  ['Debian', 'debian-11', ['11', '11-gen2', '11-backports-gen2']],
  ['OpenLogic', 'CentOS', ['6.9', '7.5', '7.9', '8_5-gen2']],
  ['RedHat', 'RHEL', ['7-LVM', '8-lvm-gen2', '9_0']],
  ['SUSE', 'opensuse-leap-15-4', ['gen1', 'gen2']],
  [
    'MicrosoftWindowsServer',
    'WindowsServer',
    ['2012-R2-Datacenter', '2016-Datacenter', '2019-Datacenter', '2022-Datacenter', '2022-datacenter-azure-edition'],
  ],
];

const standInVersion = '1.0.0';

/** The image that a reference means on this stamp; undefined when there is none. Stand-ins are for labs only. */
export function imageOf({ publisher, offer, sku, version }: Named, stamp: StampFacts): Image | undefined {
  const found = own.find(
    (image) => same(image.publisher, publisher) && same(image.offer, offer) && same(image.sku, sku),
  );
  if (found !== undefined) return isVersion(version, found.version) ? found : undefined;
  const row = known.find(([name]) => same(name, publisher));
  if (row === undefined || stamp.profile !== 'lab') return undefined;
  return {
    publisher: row[0],
    offer,
    sku,
    // Templates pin versions of the other cloud; the stand-in is one image whatever they say.
    version: same(version, 'latest') ? standInVersion : version,
    guest: 'tiny',
    note: `The lab has no image ${publisher}:${offer}:${sku}; the guest runs the lab's own tiny Linux image.`,
  };
}

/** A reference by name. */
export type Named = {
  readonly publisher: string;
  readonly offer: string;
  readonly sku: string;
  readonly version: string;
};

function same(left: string, right: string): boolean {
  return left.toLowerCase() === right.toLowerCase();
}

/** `latest`, or a prefix of the version in whole parts: `1.0` means `1.0.0`. */
function isVersion(stated: string, version: string): boolean {
  return same(stated, 'latest') || stated === version || version.startsWith(`${stated}.`);
}

/** Is the image of an operating system that names itself Windows? */
export function isWindows({ publisher }: Image): boolean {
  return /^microsoftwindows/i.test(publisher);
}

type Row = { readonly publisher: string; readonly offer: string; readonly skus: readonly string[] };

function rowsOf(stamp: StampFacts): Row[] {
  const ours = own.map(({ publisher, offer, sku }) => ({ publisher, offer, skus: [sku] }));
  return stamp.profile === 'lab'
    ? [...ours, ...known.map(([publisher, offer, skus]) => ({ publisher, offer, skus }))]
    : ours;
}

function unique(names: readonly string[]): string[] {
  return [...new Set(names)];
}

/** Publishers that have images here. */
export function publishers(stamp: StampFacts): string[] {
  return unique(rowsOf(stamp).map(({ publisher }) => publisher));
}

/** Offers of a publisher. */
export function offers(stamp: StampFacts, publisher: string): string[] {
  return unique(
    rowsOf(stamp)
      .filter((row) => same(row.publisher, publisher))
      .map(({ offer }) => offer),
  );
}

/** Skus of an offer. */
export function skus(stamp: StampFacts, [publisher, offer]: readonly [string, string]): string[] {
  return unique(
    rowsOf(stamp)
      .filter((row) => same(row.publisher, publisher) && same(row.offer, offer))
      .flatMap((row) => row.skus),
  );
}

/** Versions of a sku: one, when the sku is known. */
export function versions(stamp: StampFacts, [publisher, offer, sku]: readonly [string, string, string]): string[] {
  const image = imageOf({ publisher, offer, sku, version: 'latest' }, stamp);
  return image === undefined ? [] : [image.version];
}

/** One version as `…/versions/{version}` shows it. */
export function showImage(image: Image): JsonObject {
  return {
    properties: {
      osDiskImage: { operatingSystem: isWindows(image) ? 'Windows' : 'Linux' },
      dataDiskImages: [],
      automaticOSUpgradeProperties: { automaticOSUpgradeSupported: false },
      hyperVGeneration: 'V1',
    },
  };
}
