/** Which passwords are taken: long, not well known, not made of the user's own name or of a run of keys. */

import { passwordLengthMax, passwordLengthMin } from '#base/identity-limits.ts';
import type { Secret } from '#base/secret.ts';
import { Refusal } from '#base/wrong.ts';

// Words that lists of leaked passwords are built from; a password that is little more than one of them is refused.
const wellKnown = (
  'password passphrase letmein welcome administrator admin qwerty qwertyuiop asdfghjkl zxcvbnm iloveyou monkey dragon ' +
  'football baseball superman batman sunshine princess trustno changeme changeit default secret master login access ' +
  'azurestack azure ringwall microsoft windows debian linux ubuntu server cloud company summer winter spring autumn ' +
  'correcthorsebatterystaple abcdefghijklmnop abcdefgh contoso fabrikam northwind test demo guest root user'
).split(' ');

const runs = ['abcdefghijklmnopqrstuvwxyz', '01234567890', 'qwertyuiop', 'asdfghjkl', 'zxcvbnm'];

/**
 * Refuses a password that guessing finds early. No classes of characters are asked for: length and a list of what is known
 * serve better (NIST SP 800-63B §5.1.1.2).
 */
export function checkPasswordPolicy(
  password: Secret,
  { upn, target = 'password' }: { upn: string; target?: string },
): void {
  const text = password.reveal().normalize('NFKC');
  const reason = weakness(text, upn);
  if (reason === undefined) return;
  throw new Refusal(
    'PasswordPolicyViolated',
    `The ${target} ${reason}; wanted are ${passwordLengthMin} to ${passwordLengthMax} characters, for example four unrelated words.`,
    { target },
  );
}

function weakness(text: string, upn: string): string | undefined {
  const length = [...text].length;
  if (length < passwordLengthMin) return `has only ${length} characters`;
  if (length > passwordLengthMax) return `has ${length} characters`;
  if (/\p{Cc}/u.test(text)) return 'holds control characters';
  if (new Set(text).size < 6) return 'repeats too few characters';
  const plain = plainOf(text);
  const name = plainOf(upn.split('@')[0] ?? '');
  if (name.length >= 4 && plain.includes(name)) return 'holds the user name';
  // What is left when known words and runs of keys are taken out has to carry the password alone.
  let rest = plain;
  for (const word of wellKnown) rest = rest.replaceAll(word, '');
  for (const run of runs) rest = withoutRun(rest, run);
  return rest.length < 6 ? 'is made of well-known words or runs of keys' : undefined;
}

// Common swaps are undone first: "P@ssw0rd" is "password".
function plainOf(text: string): string {
  const swaps: Readonly<Record<string, string>> = {
    '@': 'a',
    '4': 'a',
    '3': 'e',
    '1': 'i',
    '!': 'i',
    '0': 'o',
    $: 's',
    '5': 's',
    '7': 't',
  };
  const lower = text.toLowerCase();
  // Digits at the end are counted, not read as letters: "2026!" adds nothing to "Summer".
  const stem = lower.replace(/[\d!?.#*]{1,8}$/, '');
  return [...stem]
    .map((letter) => swaps[letter] ?? letter)
    .join('')
    .replace(/[^\p{L}\p{N}]/gu, '');
}

function withoutRun(text: string, run: string): string {
  let rest = text;
  for (const line of [run, [...run].reverse().join('')]) {
    for (let size = Math.min(line.length, rest.length); size >= 4; size--) {
      for (let start = 0; start + size <= line.length; start++)
        rest = rest.replaceAll(line.slice(start, start + size), '');
    }
  }
  return rest;
}
