/** Opening captures in the page, and what the command line says of them. */
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import type { Page } from "playwright-core";
import type { Summary } from "../../../engine/summary";
import { ROOT } from "../../support/repository";

const FIXTURES = join(ROOT, "test/fixtures");

/** Paths of all captures that come with the project. */
export const fixtures = readdirSync(FIXTURES)
  .filter((name) => name.endsWith(".pcap"))
  .map((name) => join(FIXTURES, name));

/** The path of one of them. */
export const fixture = (name: string) => join(FIXTURES, name);

function tallywire(...words: string[]): string {
  const program = join(ROOT, "shim/bin/tallywire.mjs");
  return execFileSync(process.execPath, [program, "read", ...words], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
    maxBuffer: 1 << 28,
  });
}

/** What `tallywire read --summary -o json` prints. */
export function summaryOf(path: string, ...words: string[]): Summary {
  return JSON.parse(tallywire("--summary", "-o", "json", ...words, path));
}

/** What `tallywire read -o json` prints, a round trip a line. */
export function roundTripsOf(path: string, ...words: string[]): Record<string, unknown>[] {
  const text = tallywire("-o", "json", ...words, path).trimEnd();
  return text === "" ? [] : text.split("\n").map((line) => JSON.parse(line));
}

/** Chooses files in the dialog. */
export async function choose(page: Page, ...paths: string[]): Promise<void> {
  const dialog = page.waitForEvent("filechooser");
  await page.getByRole("button", { name: /^(Choose a file|Open another)$/ }).click();
  await (await dialog).setFiles(paths);
}

/** Drops files on the page. */
export async function drop(page: Page, ...paths: string[]): Promise<void> {
  const files = paths.map((path) => ({ name: basename(path), text: readFileSync(path).toString("base64") }));
  const transfer = await page.evaluateHandle((files) => {
    const transfer = new DataTransfer();
    for (const { name, text } of files)
      transfer.items.add(new File([Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0))], name));
    return transfer;
  }, files);
  for (const type of ["dragenter", "dragover", "drop"]) await page.dispatchEvent("main", type, { dataTransfer: transfer });
}

/** Waits until a file was read. */
export async function wasRead(page: Page, name: string): Promise<void> {
  await page.getByRole("heading", { level: 1, name, exact: true }).waitFor();
}

/** The figures that the page saves. */
export async function savedFigures(page: Page): Promise<Summary> {
  const download = page.waitForEvent("download");
  await page.getByRole("button", { name: "Save figures" }).click();
  return JSON.parse(readFileSync(await (await download).path(), "utf8"));
}
