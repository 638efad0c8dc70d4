/**
 * The three spellings of a time in HTTP (RFC 9110 §5.6.7), all of them in UTC. Date.parse is no reader of them: it takes "x 2090" for a
 * year, which makes any file look unchanged, and asctime's spelling for local time. Pure.
 */
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const time = '(?<hour>[01]\\d|2[0-3]):(?<minute>[0-5]\\d):(?<second>[0-5]\\d|60)';
const forms = [
  new RegExp(`^[A-Z][a-z]{2}, (?<day>\\d\\d) (?<month>[A-Z][a-z]{2}) (?<year>\\d{4}) ${time} GMT$`),
  new RegExp(`^[A-Z][a-z]{5,8}, (?<day>\\d\\d)-(?<month>[A-Z][a-z]{2})-(?<year>\\d\\d) ${time} GMT$`), // RFC 850
  new RegExp(`^[A-Z][a-z]{2} (?<month>[A-Z][a-z]{2}) (?<day>[ \\d]\\d) ${time} (?<year>\\d{4})$`), // asctime
];

/** In milliseconds; undefined for what is no such time, which is then not looked at (§13.1.3). Never throws. */
export function parseHttpDate(text: string): number | undefined {
  const { year = '', month = '', day = '', hour, minute, second } = forms.map((form) => form.exec(text.trim())?.groups).find((groups) => groups !== undefined) ?? {};
  const index = months.indexOf(month);
  if (index < 0) return undefined;
  const date = Date.UTC(fullYear(year), index, Number(day));
  return new Date(date).getUTCDate() === Number(day) ? date + Number(hour) * 3_600_000 + Number(minute) * 60_000 + Number(second) * 1000 : undefined;
}

/** Two digits as POSIX reads them (strptime %y, with 70 for 69): no file is older than its system's clock can say. */
const fullYear = (year: string): number => year.length === 4 ? Number(year) : Number(year) + (Number(year) < 70 ? 2000 : 1900);
