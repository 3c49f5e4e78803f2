/** What a guest's first administrator may be called, and which passwords and SSH keys are strong enough (claim S1.10). */

type Fault = string | undefined;

// Azure doc "FAQ about virtual machines": user names that are not allowed; then the accounts that Debian has itself.
const forbiddenNames = new Set(
  (
    'administrator admin user user1 test user2 test1 user3 admin1 1 123 a actuser adm admin2 aspnet backup console david guest john owner ' +
    'root server sql support support_388945a0 sys test2 test3 user4 user5 daemon bin sync games man lp mail news uucp proxy www-data list ' +
    'irc nobody sshd _apt messagebus systemd-network systemd-timesync'
  ).split(' '),
);

/** Why a user name is not accepted; undefined when it is. */
export function userNameFault(name: string): Fault {
  if (forbiddenNames.has(name.toLowerCase()))
    return 'it is a reserved or well-known user name; choose another one, for example azureuser';
  const isUnix = /^[a-z_][a-z0-9_-]{0,31}$/i.test(name);
  return isUnix ? undefined : '1 to 32 letters, digits, "_" or "-", first a letter or "_", are wanted';
}

export const passwordLengths = [12, 72] as const;

// Azure's own list of disallowed values (same FAQ), and the ones that default-credential scanners try first; compared after folding.
const wellKnown = new Set(
  (
    'abc@123 p@$$w0rd p@ssw0rd p@ssword123 pa$$word pass@word1 password! password1 password22 iloveyou! password password12 password123 ' +
    'password123! password1234 password1234! password12345 password!123 password@123 p@ssw0rd123 p@ssw0rd123! p@ssw0rd1234 p@ssw0rd1234! ' +
    'p@$$w0rd123 p@$$w0rd123! p@$$w0rd1234 p@$$w0rd1234! passw0rd passw0rd! passw0rd123 passw0rd123! passw0rd1234 passw0rd1234! ' +
    'welcome1 welcome123 welcome123! welcome@123 welcome@1234 changeme changeme1 changeme123 changeme123! changeme1234! admin123 admin@123 ' +
    'admin1234 admin@1234 admin123456! administrator1 azure@123456 azurepassword1! azure123456! letmein123! qwerty123456 qwerty123456! ' +
    'qwerty@123456 q1w2e3r4t5y6 1qaz2wsx3edc 1qaz2wsx3edc! !qaz2wsx3edc 1qaz@wsx3edc zaq12wsxcde3 zaq!2wsx 123456789012 abcd1234567! ' +
    'letmein! toor12345678 root12345678 demo@pass123 demopassword1! test@123456! testpassword1! summer2024! winter2024! spring2025!'
  ).split(' '),
);

const stems = [
  'password',
  'passw0rd',
  'p@ssword',
  'p@ssw0rd',
  'p@$$w0rd',
  'pa$$word',
  'pa$$w0rd',
  'welcome',
  'changeme',
  'letmein',
  'qwerty',
  'administrator',
];

/** Why a password is not accepted; undefined when it is. The password itself is never in the reason. */
export function passwordFault(password: string, userName: string): Fault {
  const [min, max] = passwordLengths;
  if (password.length < min || password.length > max) return `it must be between ${min}-${max} characters long`;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
  if (/[\u0000-\u001f\u007f]/.test(password)) return 'control characters are not allowed';
  const kinds = [/[A-Z]/, /[a-z]/, /\d/, /[^A-Za-z0-9]/].filter((kind) => kind.test(password)).length;
  if (kinds < 3)
    return 'it must satisfy at least 3 of: an upper-case letter, a lower-case letter, a digit, a special character';
  const folded = password.toLowerCase();
  if (wellKnown.has(folded) || isStem(folded)) return 'it is a weak or well-known password';
  if (userName.length >= 3 && folded.includes(userName.toLowerCase())) return 'it must not contain the user name';
  return new Set(folded).size < 6 ? 'it must have at least 6 different characters' : undefined;
}

/** A well-known word with nothing but digits and signs around it is as weak as the word. */
function isStem(folded: string): boolean {
  return stems.some((stem) => folded.includes(stem) && folded.replace(stem, '').replace(/[^a-z]/g, '') === '');
}

const keyTypes = new Set([
  'ssh-rsa',
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'sk-ssh-ed25519@openssh.com',
  'sk-ecdsa-sha2-nistp256@openssh.com',
]);
const rsaBitsMin = 2048;

/** Why an SSH public key (one line of OpenSSH's format) is not accepted; undefined when it is. */
export function sshKeyFault(line: string): Fault {
  const [type = '', data = ''] = line.trim().split(/[ \t]+/);
  // A second line, or options before the key, would be more than a key in authorized_keys.
  if (/[\r\n\0]/.test(line.trim()) || !keyTypes.has(type))
    return `one line "type base64 comment" with a type of ${[...keyTypes].slice(0, 5).join(', ')} is wanted`;
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(data)) return 'the key is not in base64';
  const fields = sshFields(Buffer.from(data, 'base64'));
  if (fields === undefined || fields[0]?.toString('latin1') !== type)
    return 'the key is damaged: its content does not say the same type';
  if (type !== 'ssh-rsa') return undefined;
  const modulus = fields[2]?.toString('hex').replace(/^0+/, '') ?? '';
  const bits = modulus === '' ? 0 : modulus.length * 4 - Math.clz32(Number.parseInt(modulus[0] ?? '0', 16)) + 28;
  return bits < rsaBitsMin ? `an RSA key of at least ${rsaBitsMin} bits is wanted, this one has ${bits}` : undefined;
}

/** The length-prefixed fields of a key blob (RFC 4253 §6.6); undefined when they do not fill it exactly. */
function sshFields(blob: Buffer): Buffer[] | undefined {
  const fields: Buffer[] = [];
  let at = 0;
  while (at < blob.length) {
    if (at + 4 > blob.length) return undefined;
    const end = at + 4 + blob.readUInt32BE(at);
    if (end > blob.length) return undefined;
    fields.push(blob.subarray(at + 4, end));
    at = end;
  }
  return fields.length >= 2 ? fields : undefined;
}
