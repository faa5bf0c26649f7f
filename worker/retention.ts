import type { Environment } from "./environment";
import { LATE_SECONDS_MAX, RETENTION_SECONDS_MAX } from "./limits";
import { quote, Refusal } from "./refusal";
import { parseDuration } from "./time";

/** A setting of each level of tiles, and what it is where it is not set. */
const SETTINGS = [
  { name: "KEEP_MINUTES", usual: "48h", of: "minutes" },
  { name: "KEEP_HOURS", usual: "30d", of: "hours" },
  { name: "KEEP_DAYS", usual: "400d", of: "days" },
] as const;

/**
 * How long minutes, hours and days are kept, seconds each. Refuses what cannot be: minutes less than late bundles are taken for, a
 * longer tile less than a shorter one, anything beyond RETENTION_SECONDS_MAX.
 */
export function retentionOf(environment: Environment): readonly number[] {
  let least = LATE_SECONDS_MAX;
  return SETTINGS.map(({ name, usual, of }) => {
    const given = environment[name] ?? usual;
    const seconds = parseDuration(given);
    if (seconds === null || seconds < least || seconds > RETENTION_SECONDS_MAX) {
      const range = `${least / 86_400}d to ${RETENTION_SECONDS_MAX / 86_400}d`;
      throw new Refusal(
        503,
        "bad_setting",
        `this hub's ${name} is ${quote(given)}: ${of} are kept ${range}; set it like ${usual}`,
      );
    }
    least = seconds;
    return seconds;
  });
}
