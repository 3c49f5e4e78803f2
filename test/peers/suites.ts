/** All suites, in the order of running: signing in first, for nothing works without. */

import { deployment } from '#test/peers/suites/deployment.ts';
import { directory } from '#test/peers/suites/directory.ts';
import { hybrid } from '#test/peers/suites/hybrid.ts';
import { login } from '#test/peers/suites/login.ts';
import { machine } from '#test/peers/suites/machine.ts';
import { address, balance, group, security, vnet } from '#test/peers/suites/network.ts';
import { question } from '#test/peers/suites/question.ts';
import { etag, refusal } from '#test/peers/suites/refusal.ts';
import { access, resource } from '#test/peers/suites/resource.ts';
import type { AzSuite } from '#test/peers/suites/suite.ts';
import { tenancy } from '#test/peers/suites/tenancy.ts';

/** Suites of az commands that run against a stamp as it comes. */
export const azSuites: readonly AzSuite[] = [
  login,
  directory,
  group,
  security,
  vnet,
  address,
  balance,
  machine,
  question,
  deployment,
  resource,
  access,
  tenancy,
  refusal,
  etag,
  hybrid,
];

/** A suite of SDK calls. */
export type SdkSuite = {
  readonly name: string;
  readonly says: string;
  readonly generation: 'hybrid' | 'current';
  readonly isCoreOnly: boolean;
};

/** Both generations of SDKs. */
export function sdkSuites(prefix: string, isCoreOnly: boolean): readonly SdkSuite[] {
  return [
    {
      name: `${prefix}sdk-hybrid`,
      says: 'npm packages of profile 2020-09-01-hybrid, by certificate',
      generation: 'hybrid',
      isCoreOnly,
    },
    { name: `${prefix}sdk-current`, says: 'current npm packages, by secret', generation: 'current', isCoreOnly },
  ];
}
