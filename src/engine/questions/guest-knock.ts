/** Knocks from inside guests: the netcat and ping that every image has, run there as its own programs are. */

import { knockWaitS } from '#base/limits.ts';
import { Fault, Refusal } from '#base/wrong.ts';
import type { Resource } from '#model/resource.ts';
import type { GuestDriver, GuestExit } from '#engine/guest-port.ts';
import type { Clock, Knock, Knocked, Knocker } from '#engine/ports.ts';
import { guestKeyOf } from '#engine/reconcile/guest-follower.ts';

export type GuestKnockParts = { readonly guests: Pick<GuestDriver, 'exec'>; readonly clock: Pick<Clock, 'now'> };

/** The guest's tools end by themselves; this is for a guest that does not answer at all. */
const execMs = (knockWaitS + 3) * 1000;
const answerMax = 4096;

/** A knocker over the guests of a stamp. */
export function guestKnocker({ guests, clock }: GuestKnockParts): Knocker {
  return {
    async knock(machine, knock) {
      const before = clock.now();
      try {
        const options = { timeoutMs: execMs, ...(knock.request === undefined ? {} : { stdin: knock.request }) };
        const exit = await guests.exec(guestKeyOf(machine), argvOf(knock), options);
        return knocked(exit, { knock, machine, ms: clock.now() - before });
      } catch (error) {
        if (!(error instanceof Fault) && !(error instanceof Refusal)) throw error;
        return { state: 'untried', ms: 0, says: 'the guest runs no command now' };
      }
    },
  };
}

/** Addresses and ports were parsed before; no text of a caller is an argument. */
function argvOf({ protocol, source, sourcePort, target, port, request }: Knock): readonly string[] {
  const wait = String(knockWaitS);
  if (protocol === 'icmp') return ['ping', target.includes(':') ? '-6' : '-4', '-c', '1', '-W', wait, target];
  const from = ['-s', source, ...(sourcePort === undefined ? [] : ['-p', String(sourcePort)])];
  const mode = request === undefined ? ['-z', '-v'] : ['-N', '-v'];
  return ['nc', '-n', ...mode, '-w', wait, ...from, target, String(port)];
}

type Asked = { readonly knock: Knock; readonly machine: Resource; readonly ms: number };

function knocked({ code, stdout, stderr }: GuestExit, { knock, ms }: Asked): Knocked {
  if (/not found|no such file|not permitted|in use/i.test(stderr) || code === 127) {
    return { state: 'untried', ms: 0, says: stderr.trim().slice(0, 200) || 'the guest lacks the tool for it' };
  }
  if (/refused/i.test(stderr)) return { state: 'closed', ms, says: 'nothing listens there' };
  const isOpen = knock.request === undefined ? code === 0 : /succeeded/i.test(stderr);
  if (!isOpen) return { state: 'silent', ms, says: 'nothing came back in time' };
  return {
    state: 'open',
    ms,
    says: 'answered',
    ...(knock.request === undefined ? {} : { answer: stdout.slice(0, answerMax) }),
  };
}
