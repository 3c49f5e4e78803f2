/** The api-versions under which each family of resource types is served: a window of dates, the releases in it, and previews by name. */

/** A family of types that were released together. */
export type Versions = {
  /** Releases that exist in public, oldest first: what `/providers` lists. */
  readonly releases: readonly string[];
  /** Previews that clients are known to send; no other preview is served. */
  readonly previews: readonly string[];
};

/** Is the api-version served? Any date in the window counts: the canonical model is the same, with gates by date where it matters. */
export function isServed({ releases, previews }: Versions, apiVersion: string): boolean {
  const [oldest, newest] = [releases[0] ?? '', releases.at(-1) ?? ''];
  if (/^\d{4}-\d{2}-\d{2}$/.test(apiVersion)) return apiVersion >= oldest && apiVersion <= newest;
  return previews.includes(apiVersion.toLowerCase());
}

/** All that is listed, newest first; a release goes before a preview of the same day. */
export function newestFirst({ releases, previews }: Versions): readonly string[] {
  return [...releases, ...previews].toSorted((left, right) => {
    const [a, b] = [left.slice(0, 10), right.slice(0, 10)];
    return a === b ? left.length - right.length : a < b ? 1 : -1;
  });
}

// Each list is the public release history of the provider (Azure REST API specifications), as far as the stamp serves it.
const days = (text: string): readonly string[] => text.trim().split(/\s+/);

export const networkVersions: Versions = {
  releases:
    days(`2015-06-15 2016-03-30 2016-06-01 2016-09-01 2016-12-01 2017-03-01 2017-06-01 2017-08-01 2017-09-01 2017-10-01
    2017-11-01 2018-01-01 2018-02-01 2018-04-01 2018-06-01 2018-07-01 2018-08-01 2018-10-01 2018-11-01 2018-12-01 2019-02-01
    2019-04-01 2019-06-01 2019-07-01 2019-08-01 2019-09-01 2019-11-01 2019-12-01 2020-03-01 2020-04-01 2020-05-01 2020-06-01
    2020-07-01 2020-08-01 2020-11-01 2021-02-01 2021-03-01 2021-05-01 2021-08-01 2022-01-01 2022-05-01 2022-07-01 2022-09-01
    2022-11-01 2023-02-01 2023-04-01 2023-05-01 2023-06-01 2023-09-01 2023-11-01 2024-01-01 2024-03-01 2024-05-01 2024-07-01
    2024-10-01 2025-01-01 2025-03-01 2025-05-01 2026-01-01`),
  previews: days('2015-05-01-preview'),
};

export const computeVersions: Versions = {
  releases:
    days(`2015-06-15 2016-03-30 2016-08-30 2017-03-30 2017-12-01 2018-04-01 2018-06-01 2018-10-01 2019-03-01 2019-07-01
    2019-12-01 2020-06-01 2020-12-01 2021-03-01 2021-04-01 2021-07-01 2021-11-01 2022-03-01 2022-08-01 2022-11-01 2023-03-01
    2023-07-01 2023-09-01 2024-03-01 2024-07-01 2024-11-01 2025-04-01 2026-03-01 2026-04-01`),
  previews: days('2015-05-01-preview 2016-04-30-preview'),
};

export const diskVersions: Versions = {
  releases:
    days(`2017-03-30 2018-04-01 2018-06-01 2018-09-30 2019-03-01 2019-07-01 2019-11-01 2020-05-01 2020-06-30 2020-09-30
    2020-12-01 2021-04-01 2021-08-01 2021-12-01 2022-03-02 2022-07-02 2023-01-02 2023-04-02 2023-10-02 2024-03-02 2025-01-02 2026-03-02`),
  previews: days('2016-04-30-preview'),
};

export const storageVersions: Versions = {
  releases:
    days(`2015-06-15 2016-01-01 2016-05-01 2016-12-01 2017-06-01 2017-10-01 2018-02-01 2018-07-01 2018-11-01 2019-04-01
    2019-06-01 2021-01-01 2021-02-01 2021-04-01 2021-06-01 2021-08-01 2021-09-01 2022-05-01 2022-09-01 2023-01-01 2023-04-01
    2023-05-01 2024-01-01 2025-01-01 2025-06-01`),
  previews: days('2015-05-01-preview 2018-03-01-preview 2020-08-01-preview'),
};

export const resourcesVersions: Versions = {
  releases:
    days(`2015-01-01 2015-11-01 2016-02-01 2016-06-01 2016-07-01 2016-09-01 2017-05-10 2018-02-01 2018-05-01 2019-03-01
    2019-05-01 2019-05-10 2019-06-01 2019-07-01 2019-08-01 2019-10-01 2019-11-01 2020-01-01 2020-06-01 2020-08-01 2020-10-01
    2021-01-01 2021-04-01 2022-09-01 2022-12-01 2023-07-01 2024-03-01 2024-07-01 2024-11-01 2025-03-01 2025-04-01 2026-06-01`),
  previews: days('2014-04-01-preview 2018-11-01-preview'),
};

export const roleVersions: Versions = {
  releases: days('2015-07-01 2020-10-01 2022-04-01'),
  previews:
    days(`2014-10-01-preview 2015-05-01-preview 2017-10-01-preview 2018-01-01-preview 2018-07-01-preview 2018-09-01-preview
    2020-03-01-preview 2020-04-01-preview 2020-08-01-preview 2020-10-01-preview 2021-04-01-preview 2022-05-01-preview`),
};

export const lockVersions: Versions = {
  releases: days('2015-01-01 2016-09-01 2017-04-01 2020-05-01'),
  previews: [],
};

export const policyVersions: Versions = {
  releases:
    days(`2016-04-01 2016-12-01 2018-03-01 2018-05-01 2019-01-01 2019-06-01 2019-09-01 2020-03-01 2020-09-01 2021-06-01
    2022-06-01 2023-04-01 2024-04-01 2024-05-01 2025-01-01 2025-03-01`),
  previews: days('2015-10-01-preview 2017-06-01-preview'),
};

/** Exemptions were never released; one release of their provider's stands first so that clients of its versions are served too. */
export const policyExemptionVersions: Versions = {
  releases: days('2021-06-01 2022-06-01 2023-04-01 2024-05-01 2025-03-01'),
  previews: days('2020-07-01-preview 2022-07-01-preview 2022-08-01-preview 2023-12-01-preview 2024-12-01-preview'),
};

export const commerceVersions: Versions = { releases: [], previews: days('2015-06-01-preview') };

export const insightsVersions: Versions = {
  releases: days('2014-04-01 2015-04-01 2016-03-01 2018-01-01'),
  previews: days('2017-03-01-preview 2017-05-01-preview'),
};

/** Just-in-time access; clients ask the whole provider in these two. */
export const securityVersions: Versions = {
  releases: days('2020-01-01'),
  previews: days('2015-06-01-preview'),
};

/** Policy states; az and the SDKs ask in 2019-10-01. */
export const policyInsightsVersions: Versions = {
  releases: days('2016-12-01 2018-04-04 2019-10-01 2024-10-01'),
  previews: days('2017-08-09-preview 2017-10-17-preview 2017-12-12-preview 2018-07-01-preview'),
};

// The operator's providers (Azure Stack's, of which most have one release or a preview for good).
export const networkAdminVersions: Versions = { releases: days('2015-06-15'), previews: [] };

export const computeAdminVersions: Versions = {
  releases: days('2018-02-09 2021-01-01'),
  previews: days('2015-12-01-preview'),
};

/** Never released: the day of its preview stands first, so that it is listed as other providers are. */
export const storageAdminVersions: Versions = { releases: days('2019-08-08'), previews: days('2019-08-08-preview') };

/** Plans, offers and subscriptions, on both planes. */
export const subscriptionsVersions: Versions = { releases: days('2015-11-01'), previews: [] };
