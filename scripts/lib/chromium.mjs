/** Finds a Chromium that is installed here. */
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

const NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"];

/** The path of the Chromium of TALLYWIRE_CHROMIUM or of the search path; undefined where there is none. */
export function findChromium() {
  const folders = (process.env.PATH ?? "").split(delimiter).filter(Boolean);
  const places = NAMES.flatMap((name) => folders.map((folder) => join(folder, name)));
  const given = process.env.TALLYWIRE_CHROMIUM;
  return (given ? [given] : places).find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
