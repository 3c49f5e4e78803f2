/** The operating-system part of a VM's body: names, credentials and start-up data; secrets leave it here for the sealed store. */

import type { JsonObject } from '#base/json.ts';
import { Refusal } from '#base/wrong.ts';
import type { Job } from '#model/job.ts';
import { finish, flagOf, listOf, member, missing, note, objectOf, textOf, type Reader } from '#model/parse.ts';
import { passwordFault, passwordLengths, sshKeyFault, userNameFault } from '#model/compute/credentials.ts';
import { hashPassword, isPasswordOf } from '#model/compute/password-hash.ts';

/** What is shown, and what only guests get: `adminPasswordHash` (SHA-512 crypt) and `customData` (base64). */
type OsProfile = { readonly shown: JsonObject; readonly secrets: JsonObject };

/** Azure: custom data has at most 65,535 bytes, 87,380 characters in base64. */
const customDataCharactersMax = 87_380;
const keysMax = 20;

/** Reads `osProfile` of a new machine, or checks that of an existing one: most of it cannot change. */
export function osProfileOf(job: Job, { isWindows }: { isWindows: boolean }): OsProfile {
  const profile = objectOf(job.properties, 'osProfile');
  const old = job.before?.properties['osProfile'] as JsonObject | undefined;
  if (profile === undefined) {
    if (old === undefined)
      note(job.properties, 'osProfile', {
        code: 'InvalidParameter',
        message: "Required parameter 'osProfile' is missing (null).",
      });
    return { shown: old ?? {}, secrets: job.before?.internal ?? {} };
  }
  return old === undefined ? newProfile(job, profile, isWindows) : sameProfile(job, profile, old);
}

function newProfile(job: Job, profile: Reader, isWindows: boolean): OsProfile {
  const name = job.id.slice(job.id.lastIndexOf('/') + 1);
  const computerName = textOf(profile, 'computerName', {
    lengthMax: isWindows ? 15 : 64,
    pattern: /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i,
    wants: 'a host name of letters, digits, "." and "-"',
  });
  const user = textOf(profile, 'adminUsername', { required: true, lengthMax: 64 });
  const userFault = user === undefined ? undefined : userNameFault(user);
  if (userFault !== undefined) {
    note(profile, 'adminUsername', {
      code: 'InvalidParameter',
      message: `The Admin Username specified is not allowed: ${userFault}.`,
    });
  }
  const linux = linuxOf(profile, user ?? '');
  const isKeyOnly = linux?.['disablePasswordAuthentication'] === true;
  const hash = isKeyOnly ? undefined : passwordHashOf(job, profile, user ?? '');
  if (isKeyOnly && keyCount(linux) === 0) {
    note(profile, 'linuxConfiguration', {
      code: 'InvalidParameter',
      message:
        'Authentication using either SSH or by user name and password must be enabled in Linux profile: state a key in ssh.publicKeys.',
    });
  }
  const shown = {
    computerName: computerName ?? name,
    adminUsername: user,
    ...(isWindows
      ? { windowsConfiguration: windowsOf(profile) }
      : { linuxConfiguration: linux ?? { disablePasswordAuthentication: false, provisionVMAgent: true } }),
    secrets: [],
    allowExtensionOperations: flagOf(profile, 'allowExtensionOperations') ?? true,
    requireGuestProvisionSignal: true,
  };
  const customData = customDataOf(profile);
  return { shown, secrets: { ...(hash && { adminPasswordHash: hash }), ...(customData && { customData }) } };
}

function passwordHashOf({ context }: Job, profile: Reader, user: string): string | undefined {
  const stated = member(profile, 'adminPassword');
  if (stated === undefined) {
    missing(profile, 'adminPassword');
    return undefined;
  }
  const fault = typeof stated === 'string' ? passwordFault(stated, user) : 'a string is wanted';
  if (typeof stated !== 'string' || fault !== undefined) {
    note(profile, 'adminPassword', {
      code: 'InvalidParameter',
      message: `The supplied password must be between ${passwordLengths.join('-')} characters long and must satisfy password complexity requirements: ${fault}.`,
    });
    return undefined;
  }
  // What is refused anyway needs no hash.
  return profile.problems.length > 0
    ? undefined
    : hashPassword(stated, context.newGuid().replaceAll('-', '').slice(0, 16));
}

function linuxOf(profile: Reader, user: string): JsonObject | undefined {
  const linux = objectOf(profile, 'linuxConfiguration');
  if (linux === undefined) return undefined;
  const ssh = objectOf(linux, 'ssh');
  const publicKeys = (ssh && listOf(ssh, 'publicKeys', keysMax))?.map((entry) => {
    const path = textOf(entry, 'path', { lengthMax: 256 }) ?? `/home/${user}/.ssh/authorized_keys`;
    if (path !== `/home/${user}/.ssh/authorized_keys`) {
      note(entry, 'path', {
        code: 'InvalidParameter',
        message: `Destination path for SSH public keys is currently limited to its default value /home/${user}/.ssh/authorized_keys.`,
      });
    }
    const keyData = textOf(entry, 'keyData', { required: true, lengthMax: 16_384 })?.trim();
    const fault = keyData === undefined ? undefined : sshKeyFault(keyData);
    if (fault !== undefined)
      note(entry, 'keyData', {
        code: 'InvalidParameter',
        message: `The value of parameter linuxConfiguration.ssh.publicKeys.keyData is invalid: ${fault}.`,
      });
    return { path, keyData: keyData ?? '' };
  });
  return {
    disablePasswordAuthentication: flagOf(linux, 'disablePasswordAuthentication') ?? false,
    ...(publicKeys && { ssh: { publicKeys } }),
    provisionVMAgent: flagOf(linux, 'provisionVMAgent') ?? true,
  };
}

function keyCount(linux: JsonObject | undefined): number {
  const ssh = linux?.['ssh'];
  const keys = typeof ssh === 'object' && ssh !== null && 'publicKeys' in ssh ? ssh.publicKeys : [];
  return Array.isArray(keys) ? keys.length : 0;
}

function windowsOf(profile: Reader): JsonObject {
  const windows = objectOf(profile, 'windowsConfiguration');
  return {
    provisionVMAgent: (windows && flagOf(windows, 'provisionVMAgent')) ?? true,
    enableAutomaticUpdates: (windows && flagOf(windows, 'enableAutomaticUpdates')) ?? true,
  };
}

function customDataOf(profile: Reader): string | undefined {
  const stated = member(profile, 'customData');
  if (stated === undefined || stated === '') return undefined;
  const isBase64 =
    typeof stated === 'string' &&
    stated.length <= customDataCharactersMax &&
    stated.length % 4 === 0 &&
    /^[A-Za-z0-9+/]*={0,2}$/.test(stated);
  if (isBase64) return stated;
  note(profile, 'customData', {
    code: 'InvalidParameter',
    message: `Custom data in OSProfile must be in Base64 encoding and with a maximum length of ${customDataCharactersMax} characters.`,
  });
  return undefined;
}

/** An existing machine: what is stated must be what it was made with. */
function sameProfile(job: Job, profile: Reader, old: JsonObject): OsProfile {
  const secrets = job.before?.internal ?? {};
  for (const name of ['computerName', 'adminUsername']) {
    const stated = textOf(profile, name);
    if (stated !== undefined && stated !== old[name]) note(profile, name, cannotChange(`osProfile.${name}`));
  }
  finish(job.body);
  const password = member(profile, 'adminPassword');
  const hash = secrets['adminPasswordHash'];
  if (
    typeof password === 'string' &&
    typeof hash === 'string' &&
    (password.length > passwordLengths[1] || !isPasswordOf(password, hash))
  ) {
    throw new Refusal('PropertyChangeNotAllowed', cannotChange('osProfile.adminPassword').message, {
      status: 409,
      target: '/properties/osProfile/adminPassword',
    });
  }
  const customData = customDataOf(profile);
  if (customData !== undefined && customData !== secrets['customData'])
    note(profile, 'customData', cannotChange('osProfile.customData'));
  return { shown: old, secrets };
}

/** Azure's words for what is fixed when a machine is made. */
export function cannotChange(name: string): { code: string; message: string } {
  return { code: 'PropertyChangeNotAllowed', message: `Changing property '${name}' is not allowed.` };
}
