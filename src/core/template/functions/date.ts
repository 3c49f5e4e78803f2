/** Functions on dates: ISO 8601 in, .NET format strings out, always in UTC and never of the machine's clock. */

import type { Json } from '#base/json.ts';
import {
  define,
  intAt,
  refuseArgument,
  refuseCall,
  textAt,
  textOr,
  type Call,
  type TemplateFunction,
} from '#template/functions/call.ts';

const compact = 'yyyyMMddTHHmmssZ';
const extended = 'yyyy-MM-ddTHH:mm:ssZ';

/** Azure docs, "Date functions". `utcNow` gives the start of the deployment, and only in the defaults of parameters. */
export const dateFunctions: readonly TemplateFunction[] = [
  define('utcnow', [0, 1], (call) => {
    if (call.frame.place !== 'parameters') {
      throw refuseCall('utcNow', 'it may only be used in the default value of a parameter.');
    }
    return printDate(call, new Date(call.frame.environment.context.now), textOr(call, 0, compact));
  }),
  define('datetimeadd', [2, 3], (call) => {
    const base = textAt(call, 0);
    const format = textOr(call, 2, /^\d{8}T/.test(base) ? compact : extended);
    return printDate(call, addDuration(call, parseDate(call, base), textAt(call, 1)), format);
  }),
  define('datetimefromepoch', [1, 1], (call) =>
    printDate(call, checked(call, new Date(intAt(call, 0) * 1000)), extended),
  ),
  define('datetimetoepoch', [1, 1], (call) => Math.floor(parseDate(call, textAt(call, 0)).getTime() / 1000)),
];

const dateForm =
  /^(\d{4})-?(\d{2})-?(\d{2})(?:[T ](\d{2}):?(\d{2})(?::?(\d{2})(?:\.(\d{1,7}))?)?)?\s*(Z|[+-]\d{2}:?\d{2})?$/i;

function parseDate(call: Call, text: string): Date {
  const parts = dateForm.exec(text);
  if (parts === null) throw refuseArgument(call, 0, "a date in ISO 8601 form, such as '2020-04-07T14:53:14Z'");
  const [year, month, day, hour, minute, second] = parts.slice(1, 7).map((part) => Number(part ?? 0));
  const milliseconds = Number((parts[7] ?? '0').padEnd(3, '0').slice(0, 3));
  const date = new Date(Date.UTC(year ?? 0, (month ?? 1) - 1, day, hour, minute, second, milliseconds));
  if (date.getUTCMonth() !== (month ?? 1) - 1 || date.getUTCDate() !== day || (hour ?? 0) > 23 || (minute ?? 0) > 59) {
    throw refuseArgument(call, 0, 'a date that exists');
  }
  return checked(call, new Date(date.getTime() - offsetMs(parts[8])));
}

function offsetMs(zone: string | undefined): number {
  if (zone === undefined || zone.toUpperCase() === 'Z') return 0;
  const [, sign, hours, minutes] = /^([+-])(\d{2}):?(\d{2})$/.exec(zone) ?? [];
  return (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * 60_000;
}

const durationForm =
  /^([+-])?P(?=.)(?:(\d{1,6})Y)?(?:(\d{1,6})M)?(?:(\d{1,6})W)?(?:(\d{1,8})D)?(?:T(?=.)(?:(\d{1,8})H)?(?:(\d{1,9})M)?(?:(\d{1,12}(?:\.\d{1,7})?)S)?)?$/;

function addDuration(call: Call, date: Date, text: string): Date {
  const parts = durationForm.exec(text);
  if (parts === null) throw refuseArgument(call, 1, "a duration in ISO 8601 form, such as 'P3D' or '-PT1H'");
  const sign = parts[1] === '-' ? -1 : 1;
  const [years, months, weeks, days, hours, minutes, seconds] = parts.slice(2).map((part) => sign * Number(part ?? 0));
  const moved = addMonths(date, (years ?? 0) * 12 + (months ?? 0));
  const dayCount = (weeks ?? 0) * 7 + (days ?? 0);
  const secondCount = ((dayCount * 24 + (hours ?? 0)) * 60 + (minutes ?? 0)) * 60 + (seconds ?? 0);
  return checked(call, new Date(moved.getTime() + secondCount * 1000));
}

// 31 January plus one month is the last day of February, as .NET has it.
function addMonths(date: Date, months: number): Date {
  const moved = new Date(date);
  moved.setUTCDate(1);
  moved.setUTCMonth(moved.getUTCMonth() + months);
  const last = new Date(Date.UTC(moved.getUTCFullYear(), moved.getUTCMonth() + 1, 0)).getUTCDate();
  moved.setUTCDate(Math.min(date.getUTCDate(), last));
  return moved;
}

function checked(call: Call, date: Date): Date {
  const year = date.getUTCFullYear();
  if (Number.isNaN(year) || year < 1 || year > 9999)
    throw refuseCall(call.name, 'the date is outside of the years 1 to 9999.');
  return date;
}

const standardFormats: Readonly<Record<string, string>> = {
  d: 'MM/dd/yyyy',
  D: 'dddd, dd MMMM yyyy',
  f: 'dddd, dd MMMM yyyy HH:mm',
  F: 'dddd, dd MMMM yyyy HH:mm:ss',
  g: 'MM/dd/yyyy HH:mm',
  G: 'MM/dd/yyyy HH:mm:ss',
  m: 'MMMM dd',
  M: 'MMMM dd',
  o: 'yyyy-MM-ddTHH:mm:ss.fffffffK',
  O: 'yyyy-MM-ddTHH:mm:ss.fffffffK',
  r: "ddd, dd MMM yyyy HH:mm:ss 'GMT'",
  R: "ddd, dd MMM yyyy HH:mm:ss 'GMT'",
  s: 'yyyy-MM-ddTHH:mm:ss',
  t: 'HH:mm',
  T: 'HH:mm:ss',
  u: 'yyyy-MM-dd HH:mm:ssZ',
  y: 'yyyy MMMM',
  Y: 'yyyy MMMM',
};
const months = 'January,February,March,April,May,June,July,August,September,October,November,December'.split(',');
const weekdays = 'Sunday,Monday,Tuesday,Wednesday,Thursday,Friday,Saturday'.split(',');

/** .NET's standard and custom date formats for the invariant culture. */
function printDate(call: Call, date: Date, format: string): Json {
  if (format.length > 200) throw refuseCall(call.name, 'the date format has more than 200 characters.');
  if (format.length === 1) {
    const standard = Object.hasOwn(standardFormats, format) ? standardFormats[format] : undefined;
    if (standard === undefined) throw refuseCall(call.name, `the date format '${format}' is not known.`);
    return printDate(call, date, standard);
  }
  const tokens = /'[^']*'|"[^"]*"|\\.|%|y+|M+|d+|H+|h+|m+|s+|f+|F+|t+|z+|K|[\s\S]/g;
  return format.replace(tokens, (token) => printToken(date, token));
}

function printToken(date: Date, token: string): string {
  const pad = (value: number) => String(value).padStart(Math.min(token.length, 2), '0');
  switch (token[0]) {
    case "'":
    case '"':
      return token.length > 1 ? token.slice(1, -1) : token;
    case '\\':
      return token.slice(1);
    case '%':
      return '';
    case 'y':
      return token.length <= 2
        ? pad(date.getUTCFullYear() % 100)
        : String(date.getUTCFullYear()).padStart(token.length, '0');
    case 'M':
      return token.length > 2 ? named(months, date.getUTCMonth(), token) : pad(date.getUTCMonth() + 1);
    case 'd':
      return token.length > 2 ? named(weekdays, date.getUTCDay(), token) : pad(date.getUTCDate());
    case 'H':
      return pad(date.getUTCHours());
    case 'h':
      return pad(date.getUTCHours() % 12 || 12);
    case 'm':
      return pad(date.getUTCMinutes());
    case 's':
      return pad(date.getUTCSeconds());
    case 'f':
    case 'F':
      return fraction(date, token);
    case 't':
      return (date.getUTCHours() < 12 ? 'AM' : 'PM').slice(0, token.length);
    case 'z':
      return token.length === 1 ? '+0' : token.length === 2 ? '+00' : '+00:00';
    case 'K':
      return 'Z';
    default:
      return token;
  }
}

function named(names: readonly string[], index: number, token: string): string {
  const name = names[index] ?? '';
  return token.length === 3 ? name.slice(0, 3) : name;
}

function fraction(date: Date, token: string): string {
  const digits = String(date.getUTCMilliseconds()).padStart(3, '0').padEnd(7, '0').slice(0, token.length);
  return token.startsWith('F') ? digits.replace(/0+$/, '') : digits;
}
