/** A page whose clock stands at one moment, before a hub whose clock goes on: what is shown is the same whenever it is shown. */
import type { Page } from "playwright-core";

/** The moment at which it stands, at second 58 so that the last minute is due. */
const MOMENT_MS = Date.UTC(2026, 0, 31, 12, 0, 58);
const RFC_3339 = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/g;
/** What passes between two looks is rounded away. */
const PASSING = new Set(["silent_seconds", "lag_seconds"]);
const PASSING_UNIT_SECONDS = 60;

/** Stops the page's clock, and moves all times of questions and answers by whole minutes. */
export async function stopClock(page: Page): Promise<void> {
  await page.clock.setFixedTime(MOMENT_MS);
  const shiftMs = Math.floor(Date.now() / 60_000) * 60_000 - Math.floor(MOMENT_MS / 60_000) * 60_000;
  await page.route("**/v1/**", async (route) => {
    const sent = route.request().postDataJSON() as { from?: number; to?: number } | null;
    const moved = sent?.from === undefined ? sent : { ...sent, from: sent.from + shiftMs / 1000, to: sent.to! + shiftMs / 1000 };
    const response = await route.fetch(moved === null ? {} : { postData: JSON.stringify(moved) });
    const text = (await response.text()).replace(RFC_3339, (time) =>
      new Date(Date.parse(time) - shiftMs).toISOString().replace(".000Z", "Z"),
    );
    const still = JSON.parse(text, (name, value) =>
      PASSING.has(name) ? Math.round(value / PASSING_UNIT_SECONDS) * PASSING_UNIT_SECONDS : value,
    );
    await route.fulfill({ response, body: JSON.stringify(still) });
  });
}
