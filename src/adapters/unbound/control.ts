/** Unbound's control channel on its unix socket (unbound-control(8)): one command a connection, the answer up to its end. */

import { connect } from 'node:net';
import { commandOutputMax, engineWaitMs } from '#base/limits.ts';
import { Fault } from '#base/wrong.ts';

/** Asks the engine. Its own refusal (`error …`) is a Fault, and so is silence. */
export function control(path: string, command: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    const chunks: Buffer[] = [];
    let bytes = 0;
    const fail = (says: string, cause?: unknown): void => {
      socket.destroy();
      reject(new Fault('ResolverSilent', `The resolver did not do "${command}": ${says}.`, cause));
    };
    socket.setTimeout(engineWaitMs, () => fail('it gave no answer in time'));
    socket.once('error', (error) => fail(error.message, error));
    socket.once('connect', () => socket.write(`UBCT1 ${command}\n`));
    socket.on('data', (chunk) => {
      bytes += chunk.length;
      if (bytes > commandOutputMax) fail('it says too much');
      else chunks.push(chunk);
    });
    socket.once('end', () => {
      socket.destroy();
      const text = Buffer.concat(chunks).toString('utf8');
      if (text.startsWith('error')) fail(text.trim().slice(0, 200));
      else resolve(text);
    });
  });
}
