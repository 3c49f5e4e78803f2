/** Virtual machine extensions that a sandbox guest can run: a custom script, as Azure's Linux extension takes it. */

import { gunzipSync } from 'node:zlib';
import { customDataBytesMax } from '#base/limits.ts';
import { Refusal } from '#base/wrong.ts';
import type { GuestExtension } from '#engine/guest-port.ts';

/** The command for an extension; its script goes in by standard input, so it shows in no process list. */
export function commandOf({ publisher, type, settings }: GuestExtension): {
  readonly argv: readonly string[];
  readonly stdin: string;
} {
  if (!isRunnable({ publisher, type }))
    throw new Refusal(
      'ExtensionNotSupported',
      `Extension ${publisher}/${type} cannot run here: Microsoft.Azure.Extensions/CustomScript is accepted.`,
      { target: 'properties.type' },
    );
  const { commandToExecute, script } = settings;
  if ((commandToExecute === undefined) === (script === undefined))
    throw new Refusal(
      'InvalidExtensionSettings',
      'Exactly one of settings.commandToExecute and settings.script is wanted.',
      { target: 'properties.settings' },
    );
  const text = commandToExecute ?? scriptText(script ?? '');
  return { argv: ['/bin/sh', '-c', runScript], stdin: text.startsWith('#!') ? text : `#!/bin/sh\n${text}\n` };
}

/** Compares as ARM does, without case. */
export function isRunnable({ publisher, type }: { readonly publisher: string; readonly type: string }): boolean {
  return runnable.has(`${publisher}/${type}`.toLowerCase());
}

/** A constant, run by the guest's own shell: the script comes by standard input and is a file while it runs. */
const runScript =
  'umask 077; mkdir -p /var/lib/ringwall; file=/var/lib/ringwall/extension.$$; cat > $file && chmod 700 $file && $file < /dev/null; code=$?; rm -f $file; exit $code';

const runnable = new Set([
  'microsoft.azure.extensions/customscript',
  'microsoft.ostcextensions/customscriptforlinux',
  'microsoft.cplat.core/runcommandlinux',
]);

/** `script` is base64, optionally of gzip ("Custom Script Extension version 2", property `script`). */
function scriptText(script: string): string {
  const bytes = Buffer.from(script, 'base64');
  const isGzip = bytes[0] === 0x1f && bytes[1] === 0x8b;
  try {
    if (!/^[A-Za-z0-9+/]+={0,2}$/.test(script)) throw new Error('not base64');
    const text = isGzip ? gunzipSync(bytes, { maxOutputLength: customDataBytesMax * 4 }) : bytes;
    return text.toString('utf8');
  } catch (error) {
    throw new Refusal(
      'InvalidExtensionSettings',
      'settings.script is not accepted: base64 of a script, plain or gzip, is wanted.',
      {
        target: 'properties.settings.script',
        additionalInfo: [{ type: 'Reason', info: error instanceof Error ? error.message : 'unreadable' }],
      },
    );
  }
}
