/** How much an agent says: what is wrong, or what happens too, or each minute and each request beside it. */
export const LOG_LEVELS = ["error", "info", "debug"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Whether a word is a level. */
export function isLogLevel(word: unknown): word is LogLevel {
  return LOG_LEVELS.some((level) => level === word);
}

/** What an agent says, as far as its level wants it. */
export class LevelledLog {
  level: LogLevel = "info";

  constructor(private readonly say: (line: string) => void) {}

  readonly error = (line: string): void => this.say(line);

  readonly info = (line: string): void => {
    if (this.level !== "error") this.say(line);
  };

  readonly debug = (line: string): void => {
    if (this.level === "debug") this.say(line);
  };
}
