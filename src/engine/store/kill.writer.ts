/** A writer to be killed: it appends without end and prints the sequence and hash of each entry once it is acknowledged. */

import { writeSync } from 'node:fs';
import { entryOf, openAt } from '#engine/store/scratch.ts';

const [file = '', writers = '1'] = process.argv.slice(2);
const store = openAt(file);

async function write(writer: number): Promise<never> {
  for (let turn = 0; ; turn += 1) {
    const value = { writer, turn, text: 'x'.repeat(200 + ((turn * 7919) % 6000)) };
    const { sequence, hash } = await store.append(
      entryOf(`s${writer % 3}`, { put: ['t', `${writer}-${turn % 50}`, value] }),
    );
    // Written to the pipe before anything else happens: what the reader has seen was acknowledged.
    writeSync(1, `${sequence} ${hash} ${writer} ${turn}\n`);
  }
}

await Promise.all(Array.from({ length: Number(writers) }, (_, writer) => write(writer)));
