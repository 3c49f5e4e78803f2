/** The command `ringwall`: brings a stamp up and down, asks it, and verifies its store. */

import { Command, InvalidArgumentError } from 'commander';
import { Fault, Refusal, errorBody } from '#base/wrong.ts';

// Each command loads its own part alone: a check in a pipeline must not wait for what brings stamps up.
const ask = () => import('#main/command/ask.ts');
const proof = async () => await import('#main/command/proof.ts');
const explain = () => import('#main/command/explain.ts');

const version = '0.1.0';
const program = new Command('ringwall')
  .description('An open, hardened private-cloud stamp for Linux.')
  .version(version)
  .showHelpAfterError()
  .configureHelp({ sortSubcommands: false });

const stampOption = ['--stamp <n>', 'stamp number, 0 to 63', wholeNumber, 0] as const;
const stateOption = ['--state <dir>', 'state directory (default /var/lib/ringwall)'] as const;
const modelOption = [
  '--model',
  'the model of a stamp that "up --model" started (found by itself when there is no stamp)',
] as const;
const jsonOption = ['--json', 'print one JSON object as the last line'] as const;

program
  .command('up')
  .description('bring a stamp up (root), or a model of one without root')
  .option('--lab <name>', 'deploy a lab and try its flows: three-tier')
  .option('--model', 'no root, no kernel: the control plane over a simulator; nothing is enforced')
  .option('--detach', 'leave the stamp running and return')
  .option('--settings <file>', 'settings file (ringwall.yaml)')
  .option('--no-install', 'do not install missing packages; refuse and name them')
  .option(...stampOption)
  .option(...stateOption)
  .option(...jsonOption)
  .action(async (options) => {
    if (options.model === true) await (await import('#main/command/up-model.ts')).bringUpModel(options);
    else await (await import('#main/command/up.ts')).bringUp(options);
  });

program
  .command('down')
  .description('stop a stamp and remove everything of it from the host (or stop a model); its state directory stays')
  .option('--purge', 'remove the state directory too')
  .option(...modelOption)
  .option(...stampOption)
  .option(...stateOption)
  .option(...jsonOption)
  .action(async (options) => (await import('#main/command/down.ts')).takeDown(options));

program
  .command('status')
  .description('what runs')
  .option(...modelOption)
  .option(...stampOption)
  .option(...stateOption)
  .option(...jsonOption)
  .action(async (options) => (await ask()).showStatus(options));

program
  .command('principal')
  .description('create a service principal with a role; its secret is shown once')
  .argument('<name>', 'display name')
  .option('--role <role>', 'Owner, Contributor, Reader, or "Network Contributor"', 'Contributor')
  .option('--scope <id>', 'ARM scope (default: the first subscription)')
  .option('--certificate <pem-file>', 'register this certificate instead of making a secret')
  .option(...modelOption)
  .option(...stampOption)
  .option(...stateOption)
  .option(...jsonOption)
  .action(async (name: string, options) => (await ask()).createPrincipal(name, options));

program
  .command('bind')
  .description("hold the key that the operator's plane wants, on the operator's own machine: az and SDKs go through it")
  .argument('<endpoint>', 'management endpoint, for instance https://adminmanagement.local.ringwall.internal')
  .option('--ca <pem-file>', "the stamp's certificate authority (default: those of this machine)")
  .option('--key <file>', 'key file, made at the first use (default ~/.config/ringwall/bind.pem)')
  .option('--port <n>', 'port on 127.0.0.1 (default: that of the last time, or any)', wholeNumber)
  .option(...jsonOption)
  .action(async (endpoint: string, options) => (await import('#main/command/bind.ts')).bind(endpoint, options));

const show = program.command('show').description('what is wanted and what is');
show
  .command('programs')
  .description('the programs of every enforcement point')
  .argument('[point]', 'one point, for instance edge or router/v1/h1')
  .option(...modelOption)
  .option(...stampOption)
  .option(...stateOption)
  .option(...jsonOption)
  .action(async (point: string | undefined, options) => (await ask()).showPrograms(point, options));
show
  .command('shadowed')
  .description('rules of network security groups that can never decide or change nothing, and why')
  .option(...modelOption)
  .option(...stampOption)
  .option(...stateOption)
  .option(...jsonOption)
  .action(async (options) => (await ask()).showShadowed(options));
show
  .command('broad')
  .description('rules of network security groups that open many ports to many addresses')
  .option(...modelOption)
  .option(...stampOption)
  .option(...stateOption)
  .option(...jsonOption)
  .action(async (options) => (await ask()).showBroad(options));

program
  .command('explain')
  .description('what becomes of a packet, hop by hop, by the programs in force')
  .argument('<flow...>', '"A -> B:port/protocol": machines, interfaces, addresses, internet, operator')
  .option(...modelOption)
  .option(...stampOption)
  .option(...stateOption)
  .option(...jsonOption)
  .action(async (flow: string[], options) => (await explain()).explainFlow(flow, options));

program
  .command('why')
  .description('what stands behind what is in force')
  .command('rule')
  .description('the security group and the resource behind a rule of a program, or of the kernel')
  .argument('<rule...>', 'group/rule, or the handle (root) or the comment of a kernel rule')
  .option(...modelOption)
  .option(...stampOption)
  .option(...stateOption)
  .option(...jsonOption)
  .action(async (rule: string[], options) => (await explain()).whyRule(rule, options));

program
  .command('suggest')
  .description(
    'the fewest rules of a security group that admit what its flow log has seen, proved to admit no more than today',
  )
  .argument('<nsg-id>', 'ARM id of the network security group')
  .option('--days <n>', 'how far back to look', wholeNumber, 14)
  .option(...modelOption)
  .option(...stampOption)
  .option(...stateOption)
  .option(...jsonOption)
  .action(async (nsg: string, options) => (await import('#main/command/suggest.ts')).suggestRules(nsg, options));

show
  .command('findings')
  .description('what stands broken of the invariants in force, each with a packet')
  .option(...modelOption)
  .option(...stampOption)
  .option(...stateOption)
  .option(...jsonOption)
  .action(async (options) => (await proof()).showFindings(options));
show
  .command('exposure')
  .description('every public address, and what the internet reaches behind it')
  .option(...modelOption)
  .option(...stampOption)
  .option(...stateOption)
  .option(...jsonOption)
  .action(async (options) => (await proof()).showExposure(options));
show
  .command('reach')
  .description('who reaches whom')
  .argument('[scope]', 'ARM id of a subscription, group, network, subnet, machine or network interface')
  .option(...modelOption)
  .option(...stampOption)
  .option(...stateOption)
  .option(...jsonOption)
  .action(async (scope: string | undefined, options) => (await proof()).showReach(scope, options));
show
  .command('drift')
  .description('what others changed in the kernel and was healed, with who did it, and hosts that are not trusted')
  .option(...modelOption)
  .option(...stampOption)
  .option(...stateOption)
  .option(...jsonOption)
  .action(async (options) => (await import('#main/command/drift.ts')).showDrift(options));
show
  .command('budgets')
  .description('what subscriptions use of the quotas that the data plane enforces')
  .argument('[subscription]', 'its GUID')
  .option(...modelOption)
  .option(...stampOption)
  .option(...stateOption)
  .option(...jsonOption)
  .action(async (subscription: string | undefined, options) =>
    (await import('#main/command/quarantine.ts')).showBudgets(subscription, options),
  );
program
  .command('trust')
  .description('place guests again on a host that was tampered with')
  .argument('<host>', 'its name, for instance h1')
  .option(...modelOption)
  .option(...stampOption)
  .option(...stateOption)
  .option(...jsonOption)
  .action(async (host: string, options) => (await import('#main/command/drift.ts')).trustHost(host, options));
program
  .command('prove')
  .description('whether an invariant holds for every packet of what stands')
  .argument('<invariant>', 'its id, for instance baseline/management-ports')
  .option(...modelOption)
  .option(...stampOption)
  .option(...stateOption)
  .option(...jsonOption)
  .action(async (id: string, options) => (await proof()).proveInvariant(id, options));

program
  .command('verify')
  .description(
    'prove what a template would break, without root and without a stamp: exit 0 holds, 2 broken, 1 unusable',
  )
  .argument('<template>', 'an ARM template (JSON)')
  .option('--parameters <file>', 'its parameters; secrets may be left out')
  .option('--settings <file>', 'settings file (ringwall.yaml) of the stamp that it is for')
  .option('--sarif', 'print SARIF 2.1.0')
  .option(...jsonOption)
  .action(async (file: string, options) =>
    (await import('#main/command/verify.ts')).verifyTemplate(file, { ...options, version }),
  );

const policy = program.command('policy').description("the operator's own policies, signed with the operator's key");
const policies = async () => await import('#main/command/policy.ts');
policy
  .command('show')
  .description('the bundle that was signed last')
  .option(...modelOption)
  .option(...stampOption)
  .option(...stateOption)
  .option(...jsonOption)
  .action(async (options) => (await policies()).showPolicy(options));
policy
  .command('set')
  .description('sign the invariants of a file; they take the place of those before')
  .argument('<file>', 'JSON: moreManagementPorts, invariants, exemptions')
  .option(...modelOption)
  .option(...stampOption)
  .option(...stateOption)
  .option(...jsonOption)
  .action(async (file: string, options) => (await policies()).setPolicy(file, options));
policy
  .command('exempt')
  .description('sign that an invariant of the operator does not count at a scope for a time')
  .argument('<invariant>', 'its id, for instance baseline/management-ports')
  .requiredOption('--scope <id>', 'ARM id of a subscription, group, network, subnet, machine or network interface')
  .requiredOption('--until <time>', 'when it ends, for instance 2027-01-31T12:00:00Z')
  .requiredOption('--reason <text>', 'why')
  .option(...modelOption)
  .option(...stampOption)
  .option(...stateOption)
  .option(...jsonOption)
  .action(async (invariant: string, options) => (await policies()).exemptFrom(invariant, options));

const directory = program.command('directory').description('the directories that people and programs sign in to');
const directories = async () => await import('#main/command/directory.ts');
directory
  .command('add')
  .description('make a directory; the password of its first administrator is shown once')
  .argument('<name>', 'its users are called USER@NAME.<zone of the stamp>')
  .option('--domain <domain>', 'one more domain of its own, for instance fabrikam.example')
  .option('--display-name <text>', 'how it is called (default: its name)')
  .option(...modelOption)
  .option(...stampOption)
  .option(...stateOption)
  .option(...jsonOption)
  .action(async (name: string, options) => (await directories()).addDirectory(name, options));
directory
  .command('invite')
  .description('make a user of one directory a guest of another')
  .argument('<name>', 'the directory that gets a guest')
  .argument('<user>', 'the whole name of the user, for instance ann@local.ringwall.internal')
  .option(...modelOption)
  .option(...stampOption)
  .option(...stateOption)
  .option(...jsonOption)
  .action(async (name: string, user: string, options) => (await directories()).inviteUser(name, user, options));
directory
  .command('list')
  .description('all directories, the one of the stamp first')
  .option(...modelOption)
  .option(...stampOption)
  .option(...stateOption)
  .option(...jsonOption)
  .action(async (options) => (await directories()).listDirectories(options));
directory
  .command('remove')
  .description('remove a directory with all that is in it; its tokens end at once')
  .argument('<name>', 'its name, a domain or its tenant id')
  .option(...modelOption)
  .option(...stampOption)
  .option(...stateOption)
  .option(...jsonOption)
  .action(async (name: string, options) => (await directories()).removeDirectory(name, options));

const quarantine = program.command('quarantine').description('network interfaces that are set apart for abuse');
const containment = async () => await import('#main/command/quarantine.ts');
quarantine
  .command('list')
  .description('all of them, with why and any appeal')
  .option(...modelOption)
  .option(...stampOption)
  .option(...stateOption)
  .option(...jsonOption)
  .action(async (options) => (await containment()).listQuarantines(options));
quarantine
  .command('show')
  .description('one with its evidence')
  .argument('<nic>', 'its ARM id, or its name')
  .option(...modelOption)
  .option(...stampOption)
  .option(...stateOption)
  .option(...jsonOption)
  .action(async (nic: string, options) => (await containment()).showQuarantine(nic, options));
quarantine
  .command('release')
  .description('let one go')
  .argument('<nic>', 'its ARM id, or its name')
  .option(...modelOption)
  .option(...stampOption)
  .option(...stateOption)
  .option(...jsonOption)
  .action(async (nic: string, options) => (await containment()).releaseQuarantine(nic, options));

const guest = program.command('guest').description('reach into guests (root on the host)');
guest
  .command('console')
  .description('the end of the serial console log')
  .argument('<vm-id>', 'ARM id of the virtual machine')
  .option('--tail <lines>', 'how many lines', wholeNumber, 100)
  .option(...modelOption)
  .option(...stampOption)
  .option(...stateOption)
  .action(async (machine: string, options) => (await ask()).guestConsole(machine, options));
guest
  .command('exec')
  .description('run a command inside a guest')
  .argument('<vm-id>', 'ARM id of the virtual machine')
  .argument('<command...>', 'program and arguments')
  .option(...modelOption)
  .option(...stampOption)
  .option(...stateOption)
  .option(...jsonOption)
  .action(async (machine: string, argv: string[], options) => (await ask()).guestExec(machine, argv, options));

const store = program.command('store').description("the stamp's store");
store
  .command('verify')
  .description('check the whole chain, every seal and every row, reading only')
  .option(...modelOption)
  .option(...stampOption)
  .option(...stateOption)
  .option(...jsonOption)
  .action(async (options) => (await import('#main/command/store.ts')).verifyStamp(options));

try {
  await program.parseAsync();
} catch (error) {
  report(error);
}

/** Refusals are the user's to mend (exit 2), faults the world's (exit 1); a bug shows its stack. */
function report(error: unknown): void {
  const wantsJson = process.argv.includes('--json');
  if (error instanceof Refusal) {
    if (wantsJson) process.stdout.write(`${JSON.stringify({ state: 'refused', error: errorBody(error) })}\n`);
    process.stderr.write(`ringwall: ${error.message}\n`);
    for (const detail of error.details) process.stderr.write(`  ${detail.message}\n`);
    process.exitCode = 2;
    return;
  }
  if (error instanceof Fault) {
    if (wantsJson)
      process.stdout.write(
        `${JSON.stringify({ state: 'failed', error: { code: error.code, message: error.message } })}\n`,
      );
    process.stderr.write(`ringwall: ${error.message}\n`);
    process.exitCode = 1;
    return;
  }
  throw error;
}

function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('a whole number is wanted');
  return Number(text);
}
