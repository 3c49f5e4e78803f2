/** Tells each row as it ends, what failed with the client's own words, and the sum. */

import { noCounts, printCounts, type Counts } from '#tools/counts.ts';

export type Outcome = {
  readonly suite: string;
  readonly name: string;
  readonly seconds: number;
  readonly kind: 'passed' | 'failed' | 'skipped';
  readonly problems: readonly string[];
  readonly output?: string;
};

export type Report = {
  readonly say: (line: string) => void;
  readonly tell: (outcome: Outcome) => void;
  /** Prints the end, and answers the exit code. */
  readonly end: () => number;
};

const nameShownMax = 170;

/** With `asJson`, standard output holds one object alone and all else goes to standard error. */
export function openReport(asJson: boolean): Report {
  const outcomes: Outcome[] = [];
  const say = (line: string): void => void (asJson ? process.stderr : process.stdout).write(`${line}\n`);
  return {
    say,
    tell: (outcome) => {
      outcomes.push(outcome);
      for (const line of lines(outcome)) say(line);
    },
    end: () => {
      const counts = outcomes.reduce<Counts>((sum, { kind }) => ({ ...sum, [kind]: sum[kind] + 1 }), noCounts);
      if (asJson) console.log(JSON.stringify({ ...counts, rows: outcomes.map(withoutOutput) }));
      else console.log(printCounts(counts));
      return counts.failed > 0 ? 1 : 0;
    },
  };
}

function withoutOutput({ suite, name, seconds, kind, problems }: Outcome): Outcome {
  return { suite, name, seconds, kind, problems };
}

function lines({ name, seconds, kind, problems, output }: Outcome): string[] {
  const short = name.length > nameShownMax ? `${name.slice(0, nameShownMax)}…` : name;
  if (kind === 'skipped') return [`  –          ${short}: skipped: ${problems.join('; ')}`];
  const time = `${seconds.toFixed(1)} s`.padStart(7);
  if (kind === 'passed') return [`  ok   ${time} ${short}`];
  const said = (output ?? '')
    .trim()
    .split('\n')
    .map((line) => `         | ${line}`);
  return [`  FAIL ${time} ${name}`, ...problems.map((problem) => `         ${problem}`), ...said];
}
